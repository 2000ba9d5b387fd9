module.exports = (async () => { throw 'no database'; })();
