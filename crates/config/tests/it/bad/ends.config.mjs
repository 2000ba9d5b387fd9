export default {
  apps: [{ script: 'ok.js' },
