module.exports = {
  apps: [{
    name: 'trains',
    script: 'build/index.js',
    instances: 2,
    exec_mode: 'cluster',
    env: { NODE_ENV: 'production', PORT: process.env.PORT || 3000, ORIGIN: 'http://127.0.0.1' },
  }],
};
