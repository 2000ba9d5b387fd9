module.exports = {
  apps: [{
    name: 'api'
    script: 'ok.js',
  }],
};
