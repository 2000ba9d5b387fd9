// cd examples && ostler start ecosystem.config.js
module.exports = {
  apps: [
    {
      name: 'hello',
      script: './hello.js',
      instances: 2,
      exec_mode: 'cluster',
      env: { PORT: 3000 },
      env_production: { PORT: 80, NODE_ENV: 'production' },
    },
    {
      name: 'hello-py',
      script: './hello.py',
      max_memory_restart: '200M',
      env: { PORT: 3010 },
    },
    {
      name: 'two-ports',
      script: './two-ports.js',
      kill_timeout: 3000,
      env: { PORT: 3020 },
    },
  ],
};
