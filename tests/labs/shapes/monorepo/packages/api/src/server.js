import { users } from '@team/shared';
import Fastify from 'fastify';

const app = Fastify();
app.get('/users', async () => users);
await app.listen({ port: Number(process.env.API_PORT), host: '127.0.0.1' });
process.once('SIGINT', async () => {
  await app.close();
  process.exit();
});
