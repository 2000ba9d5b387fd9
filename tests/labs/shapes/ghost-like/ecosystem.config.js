module.exports = {
  apps: [{
    name: 'blog',
    script: 'current/index.js',
    cwd: __dirname,
    exec_mode: 'fork',
    instances: 1,
    watch: false,
    kill_timeout: 15000,
    env: { NODE_ENV: 'production', server__port: process.env.PORT || 2368 },
  }],
};
