// What programs that `require('pm2')` do: each line says what came of a step.
// Arguments: PM2's package, the script to be started.
const pm2 = require(process.argv[2]);
const script = process.argv[3];
const call = (f, ...args) => new Promise((done, fail) =>
  f.call(pm2, ...args, (error, result) => (error ? fail(error) : done(result))));
const say = (step, ...what) => console.log(step, ...what);
const names = (list) => list.map((one) => one.name || one.pm2_env.name).join();
const until = async (ask) => {
  for (;;) {
    const found = await ask();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 20));
  }
};

(async () => {
  await call(pm2.connect);
  const heard = {};
  const bus = await call(pm2.launchBus);
  bus.on('*', (topic, event) => {
    const name = event.event ? `${topic}:${event.event}` : topic;
    (heard[name] ||= []).push(event);
  });
  const hears = (name) => until(() => heard[name]?.[0]);

  say('object', names(await call(pm2.start, { script, name: 'one', args: ['a b'], env: { A: '1' } })));
  const workers = { script, name: 'two', instances: 2, exec_mode: 'cluster' };
  say('array', names(await call(pm2.start, [{ script, name: 'three' }, workers])));
  say('list', names(await call(pm2.list)));
  const [one] = await call(pm2.describe, 'one');
  say('describe', one.pm2_env.status, one.pm2_env.A, JSON.stringify(one.pm2_env.args), one.pid > 0);
  say('restart', names(await call(pm2.restart, 'one')));
  say('reload', names(await call(pm2.reload, 'two')));
  const again = (await call(pm2.describe, 'one'))[0];
  say('another process', again.pid !== one.pid, again.pm2_env.restart_time);

  // The app says what it has: an action, a metric, an option.
  await until(async () => (await call(pm2.describe, 'one'))[0].pm2_env.axm_options.unit);
  const { axm_actions, axm_monitor, axm_options } = (await call(pm2.describe, 'one'))[0].pm2_env;
  say('in-app', axm_actions[0].action_name, axm_monitor.Requests.value, axm_options.unit);
  await call(pm2.sendDataToProcessId, one.pm_id, { type: 'x', topic: 't', data: { n: 7 } });
  say('send', JSON.stringify((await hears('got')).data.data));
  const [reply] = await call(pm2.trigger, 'one', 'add', '20');
  say('trigger', reply.data.return, reply.process.name);
  await call(pm2.sendSignalToProcessName, 'SIGUSR2', 'one');
  say('signal', JSON.stringify((await hears('signalled')).data), JSON.stringify((await hears('signalled')).process));
  say('message', JSON.stringify((await hears('process:msg')).raw));
  say('exception', (await hears('process:exception')).data.message);
  const printed = () => heard['log:out']?.find((event) => event.process.name === 'one');
  say('output', JSON.stringify((await until(printed)).data));

  await call(pm2.scale, 'two', 3);
  say('scale', (await call(pm2.describe, 'two')).length);
  await call(pm2.dump);
  await call(pm2.flush, 'one');
  say('delete', names(await call(pm2.delete, 'two')));
  say('stop', names(await call(pm2.stop, 'one')), (await call(pm2.describe, 'one'))[0].pm2_env.status);
  say('unknown', (await call(pm2.stop, 'nobody').catch((error) => error)).message);
  await until(() => heard['process:event:delete']?.length === 3);
  for (const event of ['start', 'online', 'exit', 'restart', 'reload', 'stop', 'delete']) {
    const { length, 0: first } = heard[`process:event:${event}`] || [];
    say(event, length, first?.manually, first?.process.name);
  }
  await call(pm2.killDaemon).then(() => say('killed'), (error) => say('kill', error));
  process.exit(0);
})().catch((error) => { say('failed', error); process.exit(1); });
