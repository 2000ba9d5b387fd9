module.exports = {
  apps: [
    { name: "cron", script: "ok.js", cron_restart: "0 25 * * *" },
    { name: "web", watch: 5 },
  ],
};
