console.log('this line must not break anything');
module.exports = { apps: [{ script: './ok.sh', interpreter: 'none', kill_timeout: 'soon' }] };
