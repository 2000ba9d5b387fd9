const port = process.env.PORT2 || '8000';

module.exports = {
  apps: [
    { name: 'api', cwd: './api', script: 'uvicorn', args: `main:app --port ${port}`, ready: { port: Number(port) } },
    {
      name: 'front',
      script: './front/server.js',
      instances: 2,
      exec_mode: 'cluster',
      depends_on: { api: 'ready' },
      env: { API_PORT: port, PORT: process.env.PORT || 3000 },
    },
  ],
};
