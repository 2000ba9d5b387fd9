module.exports = {
  apps: [
    { name: "common", kill_timeout: "soon" },
    { name: "api", script: "ok.js", extends: "common" },
    { name: "jobs", script: "ok.js", extends: ["comon", 5] },
    { name: "file", script: "ok.js", extends: "./extends-base.yaml" },
  ],
};
