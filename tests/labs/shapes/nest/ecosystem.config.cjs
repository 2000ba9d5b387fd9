module.exports = {
  apps: [{
    name: 'cats',
    script: './dist/main.js',
    instances: 2,
    exec_mode: 'cluster',
    wait_ready: true,
    listen_timeout: 30000,
    kill_timeout: 5000,
    env: { NODE_ENV: 'development' },
    env_production: { NODE_ENV: 'production', PORT: process.env.PORT || 3000 },
  }],
};
