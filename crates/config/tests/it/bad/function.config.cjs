module.exports = () => ({ apps: [{ script: "ok.js", instances: "four" , watch: 2 }] })
