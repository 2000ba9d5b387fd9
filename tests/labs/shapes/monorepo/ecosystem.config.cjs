const common = { instances: 2, exec_mode: 'cluster' };
const env = { NODE_ENV: 'production', API_PORT: process.env.PORT || 4000 };

module.exports = {
  apps: [
    { name: 'api', cwd: './packages/api', script: 'src/server.js', env, ...common },
    { name: 'site', cwd: './packages/site', script: 'npm', args: 'start', env: { ...env, PORT: process.env.PORT2 || 3000 }, ...common },
    { name: 'worker', cwd: './packages/worker', script: 'index.js', env },
  ],
};
