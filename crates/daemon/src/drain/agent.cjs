// What ostler measures inside an app of Node, and what it does there when it is asked to.
//
// It must cost the app next to nothing: a timer that keeps nothing alive fires every two seconds; a request is counted, and
// only some of them are timed; figures are told when they have changed. Nothing is opened, no function of the app's or of
// Node's is replaced. Node's channels of diagnostics tell of requests, whether the app is a CommonJS or an ES module.
'use strict';
// Returns what tells of an error.
function startAgent(withActions) {
  const TICK = 2000;
  const { performance } = globalThis;
  const { send } = process;
  const tell = (type, data) => {
    if (process.connected) Reflect.apply(send, process, [{ type, data }, undefined, undefined, () => {}]);
  };
  const http = watchHttp();
  const lags = ring(30);
  let last = performance.now();
  let ticks = 0;
  let told = null;
  let toldAt = 0;
  // An app that has PM2's agent as a package of its own tells all of this by itself.
  const hasItsOwn = () => Object.keys(require.cache).some((path) => /[\\/]node_modules[\\/](@pm2[\\/]io|pmx)[\\/]/.test(path));
  const measure = () => {
    const { heapTotal, heapUsed } = process.memoryUsage();
    const lag = lags.sorted();
    const all = [heapTotal / 1048576, (100 * heapUsed) / heapTotal, heapUsed / 1048576, process._getActiveRequests().length];
    all.push(process._getActiveHandles().length, at(lag, 0.5), at(lag, 0.95));
    return all.concat(http.figures()).map((figure) => Math.round(figure * 100) / 100);
  };
  const hasChanged = (now) => told === null || now.length !== told.length || now.some((figure, n) => 0.05 * Math.max(1, Math.abs(told[n])) < Math.abs(figure - told[n]));
  const tick = () => {
    const now = performance.now();
    if (ticks !== 0) lags.push(Math.max(0, now - last - TICK));
    last = now;
    http.tick(TICK);
    room = 20;
    if ((ticks < 3 || ticks % 30 === 0) && hasItsOwn()) {
      if (told !== null) tell('ostler:agent', { figures: [], actions: false });
      return stop();
    }
    // Whatever has not changed is told once a minute, so that one may see that it is alive.
    if (ticks < 2 || ticks % 3 === 0) {
      const figures = measure();
      if (hasChanged(figures) || 60000 < now - toldAt) {
        told = figures;
        toldAt = now;
        tell('ostler:agent', { figures, actions: withActions });
      }
    }
    ticks += 1;
  };
  let timer = null;
  const first = setTimeout(() => {
    last = performance.now();
    timer = setInterval(tick, TICK);
    timer.unref();
    tick();
  }, 500);
  first.unref();
  let room = 20; // In each tick so many errors are told: who fails for ever is not to flood anybody.
  const onCrash = (error, origin) => {
    room -= 1;
    if (0 <= room) tell('process:exception', exception(error, origin));
  };
  const stop = () => {
    clearInterval(timer);
    http.stop();
    process.removeListener('uncaughtExceptionMonitor', onCrash);
    process.removeListener('internalMessage', onMessage);
  };
  const onMessage = (message) => {
    if (message === null || typeof message !== 'object' || message.cmd !== 'NODE_OSTLER') return;
    if (message.act === 'action' && withActions) act(message, tell);
    if (message.act === 'profile') {
      const { token, kind, ms, file } = message;
      const done = (error, written) => tell('ostler:profiled', { token, file: written, error: error ? String(error.message) : undefined });
      profile(kind, file, ms, done);
    }
  };
  process.on('uncaughtExceptionMonitor', onCrash);
  process.on('internalMessage', onMessage);
  return onCrash;
}

// The last so many figures.
function ring(size) {
  const all = new Float64Array(size);
  let count = 0;
  return {
    push(figure) {
      all[count % size] = figure;
      count += 1;
    },
    sorted: () => all.slice(0, Math.min(count, size)).sort(),
  };
}

function at(sorted, share) {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

// Requests to servers of HTTP/1: how many in the last minute, and how long some of them took. `figures`: none while there
// was no request.
function watchHttp() {
  const { performance } = globalThis;
  const channels = require('diagnostics_channel');
  const begin = Symbol('ostler');
  const times = ring(256);
  const counts = ring(30);
  let count = 0;
  let seen = 0;
  let every = 1; // One of so many is timed.
  const onStart = (message) => {
    count += 1;
    if (count % every === 0) message.response[begin] = performance.now();
  };
  const onFinish = (message) => {
    const since = message.response[begin];
    if (since !== undefined) times.push(performance.now() - since);
  };
  const pairs = [[channels.channel('http.server.request.start'), onStart], [channels.channel('http.server.response.finish'), onFinish]];
  for (const [channel, listener] of pairs) channel.subscribe(listener);
  return {
    tick(ms) {
      counts.push(count);
      seen += count;
      // Some fifty a second say as much as all of them.
      every = Math.max(1, Math.ceil(count / (ms / 20)));
      count = 0;
    },
    figures() {
      if (seen === 0) return [];
      const sorted = times.sorted();
      const sum = (list) => list.reduce((a, b) => a + b, 0);
      return [sorted.length === 0 ? 0 : sum(sorted) / sorted.length, at(sorted, 0.95), sum(counts.sorted())];
    },
    stop() {
      for (const [channel, listener] of pairs) channel.unsubscribe(listener);
    },
  };
}

// An error as the bus tells of it.
function exception(error, origin) {
  const MOST = 16384;
  const cut = (text) => String(text).slice(0, MOST);
  if (error === null || typeof error !== 'object') {
    return { name: typeof error, message: cut(require('util').inspect(error)), stack: '', origin };
  }
  const { name, message, stack, code } = error;
  return { name: cut(name), message: cut(message), stack: cut(stack === undefined ? '' : stack), code, origin };
}

// The profiles that are being taken, by kind: what ends each, and whom it tells then.
const profiles = new Map();

const KINDS = {
  cpu: { on: 'Profiler.enable', start: 'Profiler.start', stop: 'Profiler.stop', off: 'Profiler.disable', end: 'cpuprofile' },
  heap: { on: 'HeapProfiler.enable', start: 'HeapProfiler.startSampling', stop: 'HeapProfiler.stopSampling', off: 'HeapProfiler.disable', end: 'heapprofile' },
};

// A file of the app's folder that is not there yet; only its user may read it, for there are secrets in it.
function fresh(end) {
  const { name = 'app', pm_id: id = process.pid } = process.env;
  const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '');
  return require('path').resolve(`${name.replace(/[^\w.-]/g, '-')}-${id}-${time}.${end}`);
}

// Takes a profile into a file. It ends after `ms`, or when it is ended by what stands in `profiles`, which tells another one.
function profile(kind, file, ms, done) {
  const of = KINDS[kind];
  if (of === undefined) return done(new Error(`there is no profile of the kind ${kind}`));
  if (profiles.has(kind)) return done(new Error('such a profile is being taken already'));
  let session;
  let timer = null;
  const close = (error, written) => {
    clearTimeout(timer);
    profiles.delete(kind);
    try {
      session.post(of.off);
      session.disconnect();
    } catch {
      // It is over all the same.
    }
    done(error, written);
  };
  const end = () => {
    session.post(of.stop, (error, result) => {
      if (error) return close(error);
      const path = file || fresh(of.end);
      require('fs').writeFile(path, JSON.stringify(result.profile), { mode: 0o600 }, (failed) => close(failed, path));
    });
  };
  try {
    const { Session } = require('inspector');
    session = new Session();
    session.connect();
  } catch (error) {
    return done(error);
  }
  profiles.set(kind, (other) => {
    done = other;
    end();
  });
  session.post(of.on, (error) => {
    if (error) return close(error);
    session.post(of.start, (failed) => {
      if (failed) close(failed);
      else if (0 < ms) timer = setTimeout(end, ms);
    });
  });
}

// Does what is asked for by the name of an action, and answers as PM2's agent does.
function act({ action, opts: given }, tell) {
  const reply = (answer) => tell('axm:reply', { at: Date.now(), action_name: action, return: answer });
  const fail = (error) => reply({ success: false, err: String((error && error.message) || error) });
  const [, kind, what] = /^km:(heap|cpu)(?::(?:sampling|profiling):(start|stop)|dump)$/.exec(action) || [];
  if (kind === undefined) return;
  try {
    if (what === 'start') {
      // From a command line they come as text.
      const opts = typeof given === 'string' ? JSON.parse(given) : given;
      const ms = opts && Number(opts.timeout);
      let failed = null;
      profile(kind, undefined, ms > 0 ? ms : 0, (error) => {
        failed = error;
      });
      if (failed) fail(failed);
      else reply({ success: true });
    } else if (what === 'stop') {
      const end = profiles.get(kind);
      if (end === undefined) fail('no such profile is being taken');
      else end((error, file) => (error ? fail(error) : reply({ success: true, file })));
    } else {
      reply({ success: true, file: require('v8').writeHeapSnapshot(fresh('heapsnapshot')) });
    }
  } catch (error) {
    fail(error);
  }
}
