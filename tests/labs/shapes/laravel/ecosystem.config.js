module.exports = {
  apps: [
    {
      name: 'queue',
      script: 'artisan',
      args: ['queue:work', '--sleep=1', '--tries=3', '--max-time=3600'],
      interpreter: 'php',
      instances: 2,
      exec_mode: 'fork',
      autorestart: true,
      max_memory_restart: '256M',
      kill_signal: 'SIGTERM',
      kill_timeout: 10000,
    },
    { name: 'schedule', script: 'artisan', args: 'schedule:work', interpreter: 'php', kill_signal: 'SIGTERM' },
    { name: 'server', script: 'php', args: `-S 127.0.0.1:${process.env.PORT || 8000} -t public`, interpreter: 'none' },
    { name: 'horizon', script: 'artisan', args: 'horizon', interpreter: 'php' },
  ],
};
