module.exports = {
  apps: [{
    name: 'books',
    script: 'node_modules/next/dist/bin/next',
    args: 'start',
    instances: 2,
    exec_mode: 'cluster',
    max_memory_restart: '1G',
    env: { NODE_ENV: 'production', PORT: process.env.PORT || 3000 },
  }],
};
