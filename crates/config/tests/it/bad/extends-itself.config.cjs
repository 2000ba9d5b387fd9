module.exports = {
  extends: './extends-itself.config.cjs',
  apps: [],
};
