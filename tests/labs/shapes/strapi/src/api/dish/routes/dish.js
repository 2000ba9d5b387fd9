const { factories } = require('@strapi/strapi');

module.exports = factories.createCoreRouter('api::dish.dish', { config: { find: { auth: false } } });
