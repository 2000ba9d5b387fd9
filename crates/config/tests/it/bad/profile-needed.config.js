module.exports = {
  apps: [
    { name: 'web', script: 'ok.sh', depends_on: ['db'] },
    { name: 'db', script: 'ok.sh', profiles: ['data', 'test'] },
  ],
}
