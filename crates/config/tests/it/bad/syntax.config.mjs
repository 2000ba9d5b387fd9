export default {
  apps: [{ name: 'api' script: 'ok.js' }],
};
