// The client with a real daemon, whose home is in `OSTLER_HOME`; `PROGRAM_UNDER_TEST`: the command.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const { Client, OstlerError, connect } = require('..');

const script = path.join(__dirname, 'app.cjs');
const program = process.env.PROGRAM_UNDER_TEST;
const names = (list) => list.map((one) => one.name);
const once = (bus, topic, is = () => true) =>
  new Promise((done) => {
    const take = (event) => {
      if (!is(event)) return;
      bus.off(topic, take);
      done(event);
    };
    bus.on(topic, take);
  });

test('the client with a daemon', async (t) => {
  await assert.rejects(connect(), (error) => error instanceof OstlerError && error.code === 'ERR_NO_MANAGER');
  const ostler = await connect({ program });
  t.after(() => ostler.disconnect());
  const bus = await ostler.launchBus();

  await t.test('what is asked for is answered', async () => {
    assert.deepStrictEqual(await ostler.ping(), { msg: 'pong' });
    assert.match(await ostler.getVersion(), /^\d+\./);
    assert.deepStrictEqual(await ostler.list(), []);
    await assert.rejects(ostler.stop('nobody'), { code: 'ERR_UNKNOWN' });
    await assert.rejects(ostler.call('nothing'), { code: 'ERR_REFUSED', message: /nothing/ });
    await assert.rejects(ostler.call('ping'), { code: 'ERR_REFUSED' });
    await assert.rejects(new Client().list(), { code: 'ERR_DISCONNECTED' });
  });

  await t.test('an app is started, and its output and its life are told', async () => {
    const output = once(bus, 'log:out', (event) => event.process.name === 'one');
    const online = once(bus, 'process:event', (event) => event.event === 'online');
    const topics = [];
    const note = (topic) => topics.push(topic);
    bus.on('process:*', note);
    const [one] = await ostler.start({ script, name: 'one', args: 'a b', env: { COLOUR: 'red' } });
    assert.deepStrictEqual([one.name, one.pm2_env.exec_mode, one.process.pid === one.pid], ['one', 'fork_mode', true]);
    assert.strictEqual((await output).data, 'up with a|b red\n');
    assert.strictEqual((await online).process.name, 'one');
    bus.off('process:*', note);
    assert.ok(topics.includes('process:event'));
    assert.ok(one.pm2_env.pm_out_log_path.endsWith('logs/one-out.log'), one.pm2_env.pm_out_log_path);
  });

  await t.test('an app of two workers is scaled, reloaded and described', async () => {
    const started = await ostler.start([{ script, name: 'two', instances: 2 }]);
    assert.deepStrictEqual(started.map((one) => one.pm2_env.exec_mode), ['cluster_mode', 'cluster_mode']);
    assert.strictEqual((await ostler.scale('two', '+1')).length, 3);
    assert.strictEqual((await ostler.scale('two', 1)).length, 1);
    const [before] = await ostler.describe('two');
    assert.deepStrictEqual(names(await ostler.restart('two', { env: { COLOUR: 'blue' } })), ['two']);
    const [after] = await ostler.describe('two');
    assert.notStrictEqual(before.pid, after.pid);
    assert.strictEqual(after.pm2_env.COLOUR, 'blue');
    assert.strictEqual((await ostler.describe(after.pm_id))[0].name, 'two');
  });

  await t.test('messages, signals and actions reach an app, and its answers come back', async () => {
    const declared = async () => (await ostler.describe('one'))[0].pm2_env.axm_actions.length === 0;
    while (await declared());
    const [{ pm_id: id }] = await ostler.describe('one');
    const got = once(bus, 'got');
    await ostler.sendDataToProcessId(id, { topic: 'hello', data: { n: 7 } });
    assert.strictEqual((await got).data.data.n, 7);
    const signalled = once(bus, 'signalled');
    await ostler.sendSignalToProcessName('SIGUSR2', 'one');
    assert.strictEqual((await signalled).process.pm_id, id);
    const [reply] = await ostler.trigger('one', 'add', 41);
    assert.strictEqual(reply.data.return, 42);
    await assert.rejects(ostler.trigger('one', 'nothing'), { code: 'ERR_UNKNOWN' });
  });

  await t.test('the daemon may die: what is asked then is answered by the next one', async () => {
    const home = process.env.OSTLER_HOME;
    for (let round = 0; round < 3; round += 1) {
      process.kill(Number(fs.readFileSync(path.join(home, 'pm2.pid'), 'utf8')), 'SIGKILL');
      assert.deepStrictEqual(names(await ostler.list()).sort(), ['one', 'two']);
    }
    // The bus connects again by itself, too.
    const output = once(bus, 'log:out', (event) => event.process.name === 'again');
    for (let told = false; !told; ) {
      await ostler.start({ script, name: 'again', autorestart: false });
      told = await Promise.race([output, new Promise((late) => setTimeout(late, 500, false))]);
      await ostler.delete('again');
    }
  });

  await t.test('a process file is started', async () => {
    const file = path.join(process.env.OSTLER_HOME, 'x.config.cjs');
    fs.writeFileSync(file, `module.exports = { apps: [{ name: 'filed', script: ${JSON.stringify(script)} }] }`);
    assert.deepStrictEqual(names(await ostler.start(file)), ['filed']);
    assert.deepStrictEqual(names(await ostler.start('filed')), ['filed'], 'what is in the list is started again');
    await assert.rejects(ostler.start({ script: 'not-there.js' }), { code: 'ERR_ARGUMENT', message: /no script/ });
  });

  await t.test('everything is stopped and ended', async () => {
    assert.strictEqual((await ostler.stop('one'))[0].pm2_env.status, 'stopped');
    await ostler.flush('one');
    const [{ pm2_env: env }] = await ostler.describe('one');
    assert.strictEqual(fs.statSync(env.pm_out_log_path).size, 0);
    await ostler.delete('one');
    assert.deepStrictEqual(names(await ostler.list()).sort(), ['filed', 'two']);
    const { default: module } = await import('../index.mjs');
    assert.strictEqual(module.Client, Client);
    await ostler.killDaemon();
    await assert.rejects(connect(), { code: 'ERR_NO_MANAGER' });
  });
});
