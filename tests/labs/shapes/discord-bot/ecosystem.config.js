module.exports = {
  apps: [
    { name: 'gateway', script: 'gateway.js', ready: { port: Number(process.env.PORT) } },
    {
      name: 'bot',
      script: '.',
      autorestart: true,
      exp_backoff_restart_delay: 100,
      max_memory_restart: '400M',
      cron_restart: '0 4 * * *',
      time: true,
      depends_on: { gateway: 'ready' },
      env: { DISCORD_TOKEN: 'bm90.YQ.dG9rZW4', DISCORD_API: `http://127.0.0.1:${process.env.PORT}` },
    },
  ],
};
