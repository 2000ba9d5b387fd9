module.exports = {
  register() {},
  async bootstrap({ strapi }) {
    const dishes = strapi.documents('api::dish.dish');
    if (!(await dishes.findFirst())) await dishes.create({ data: { name: 'soup' } });
  },
};
