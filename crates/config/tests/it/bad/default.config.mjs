export default { apps: [{ script: "ok.js", kill_timeout: "soon" }] }
