// The same for programs in CommonJS.
import client = require('ostler-client');

export async function program(): Promise<string[]> {
  const ostler = await client.connect();
  const replies = await ostler.trigger('web', 'clear', { all: true });
  return replies.map((reply) => reply.process.name);
}
