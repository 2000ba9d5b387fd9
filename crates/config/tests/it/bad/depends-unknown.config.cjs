module.exports = {
  apps: [
    { name: 'api', script: 'ok.sh', interpreter: 'none', dependsOn: ['databse', 'redis'] },
    { name: 'database', script: 'ok.sh', interpreter: 'none' },
  ],
}
