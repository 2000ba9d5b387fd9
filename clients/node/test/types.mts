// Compiled and never run: what a program in TypeScript may write, and what it may not.
import client, { Client, OstlerError, connect, type ProcessDescription } from 'ostler-client';

export async function program(): Promise<void> {
  const ostler: Client = await connect({ home: '/srv/home', timeout: 1000 });
  const started = await ostler.start({ script: 'app.js', name: 'web', instances: 2, env: { PORT: 3000 } });
  const pid: number = started[0]!.process.pid;
  const list: ProcessDescription[] = await ostler.list();
  const bus = await ostler.launchBus();
  bus.on('log:out', (event) => process.stdout.write(event.data));
  bus.on('process:event', ({ event, process: of, manually }) => console.log(event, of.name, manually));
  bus.on('process:*', (topic, event) => console.log(topic, event));
  await ostler.scale('web', '+1');
  // @ts-expect-error A number of processes is no word.
  await ostler.scale('web', 'many');
  // @ts-expect-error There is no such status.
  if (list[0]!.pm2_env.status === 'running') throw new OstlerError();
  // @ts-expect-error An app needs a script.
  await ostler.start({ name: 'web' });
  const file: string = await ostler.profile('web', { kind: 'heap', ms: 100 });
  console.log(pid, file, client.usualHome());
  await ostler.disconnect();
}
