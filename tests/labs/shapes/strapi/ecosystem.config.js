module.exports = {
  apps: [{
    name: 'kitchen',
    script: 'npm',
    args: 'start',
    env: {
      NODE_ENV: 'production',
      PORT: process.env.PORT || 1337,
      APP_KEYS: 'one,two',
      API_TOKEN_SALT: 'salt',
      ADMIN_JWT_SECRET: 'secret',
      TRANSFER_TOKEN_SALT: 'salt',
      ENCRYPTION_KEY: 'key',
      JWT_SECRET: 'secret',
    },
  }],
};
