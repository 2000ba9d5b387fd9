module.exports = {
  apps: [{ script: 'ok.js' },]

