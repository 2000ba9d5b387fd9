import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
app.get('/', async page => {
  const users = await (await fetch(`http://127.0.0.1:${process.env.API_PORT}/users`)).json();
  return page.html(`<ul>${users.map(user => `<li>${user}</li>`).join('')}</ul>`);
});
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' });
