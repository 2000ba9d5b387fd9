module.exports = {
  apps: [{
    name: 'notes',
    port: process.env.PORT || '3000',
    exec_mode: 'cluster',
    instances: '2',
    script: './.output/server/index.mjs',
  }],
};
