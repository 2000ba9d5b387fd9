// Needs it.
require('dotenv/config');
module.exports = { apps: [{ script: 'ok.js' }] };
