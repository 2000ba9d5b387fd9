// Loaded by ostler into Node workers before the app. Until the worker is told to leave it only listens for that word, and
// keeps a list of the sessions of HTTP/2 servers.
//
// Node alone closes idle keep-alive connections at once when a worker disconnects (19 and later), or keeps serving them
// for ever (18): in the first case a request that is on its way meets a closed connection, in the second the worker
// never gets done. From the word `drain` on, every further answer says `Connection: close`, so that it is the client
// who opens a new connection, and an idle connection is closed only when the time is nearly over.
//
// The clients of an HTTP/2 session are told by GOAWAY (RFC 9113, section 6.8). The first one names no last stream, so
// that requests which are on their way are served; the second one, when it has arrived everywhere, does.
'use strict';
const http2Servers = new Map(); // Each with its sessions.
try {
  // The app and its children see NODE_OPTIONS as the user wrote it.
  const given = process.env.OSTLER_NODE_OPTIONS;
  delete process.env.OSTLER_NODE_OPTIONS;
  if (given === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = given;
  // Where its inspector listens when SIGUSR1 opens it: workers beside each other cannot have one port.
  const id = Number(process.env.pm_id) || 0;
  if (process.debugPort === 9229) process.debugPort += id % 100;
  const onMessage = (message) => {
    if (message === null || typeof message !== 'object' || message.cmd !== 'NODE_OSTLER' || message.act !== 'drain') return;
    process.removeListener('internalMessage', onMessage);
    try {
      drain(message.ms);
    } catch {
      // Then the worker leaves as it would have left without us.
    }
  };
  process.on('internalMessage', onMessage);
  // Every server of a cluster worker comes by here when it listens.
  const cluster = require('cluster');
  const { _getServer } = cluster;
  if (typeof _getServer === 'function') {
    cluster._getServer = function (server) {
      noteHttp2(server);
      return Reflect.apply(_getServer, this, arguments);
    };
  }
} catch {
  // Nothing here may keep an app from starting.
}

function noteHttp2(server) {
  if (http2Servers.has(server) || typeof server.updateSettings !== 'function') return;
  const sessions = new Set();
  http2Servers.set(server, sessions);
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
}

// The frame goes past Node where that is possible. Once Node has sent a GOAWAY, whatever last stream it names, it ignores new
// requests without a word, also those that the client sent before it read of it; they are refused only when the session is
// closed. Under TLS only Node can write.
function sayGoaway(session) {
  const last = 2 ** 31 - 1;
  const { socket } = session;
  const handle = socket && !socket.encrypted && socket._handle;
  if (!handle || !(handle.fd >= 0) || handle.writeQueueSize !== 0) return session.goaway(0, last);
  const frame = Buffer.alloc(17);
  frame.writeUInt8(8, 2); // The length of what follows the header of nine bytes.
  frame.writeUInt8(7, 3); // The type.
  frame.writeUInt32BE(last, 9);
  let written = 0;
  try {
    written = require('fs').writeSync(handle.fd, frame);
  } catch {
    return session.goaway(0, last); // There is no room for it now.
  }
  if (written < frame.length) session.destroy(); // Nothing after half a frame would be understood.
}

// Node closes a session as soon as the client answers our GOAWAY, and newer ones close idle sessions when their server is
// closed: both in the middle of requests that are on their way. So who closes a session waits until those have come.
function drainHttp2(server, sessions, ms) {
  const { close } = require('net').Server.prototype;
  server.close = function () {
    return Reflect.apply(close, this, arguments);
  };
  const tell = (session) => {
    if (session.destroyed || session.closed) return;
    session.close = (callback) => {
      if (typeof callback === 'function') session.once('close', callback);
    };
    sayGoaway(session);
    const end = () => {
      delete session.close;
      if (!session.destroyed) session.close();
    };
    setTimeout(end, Math.min(1000, ms / 2)).unref();
  };
  server.on('session', tell);
  for (const session of sessions) tell(session);
}

function drain(ms) {
  const { Server } = require('net');
  const servers = new Set();
  let over = false;
  const take = (server) => {
    if (servers.has(server)) return;
    servers.add(server);
    const { emit } = server;
    server.emit = function (event, _request, response) {
      if (response && typeof response === 'object' && 'shouldKeepAlive' in response) response.shouldKeepAlive = false;
      return Reflect.apply(emit, this, arguments);
    };
  };
  const closers = [];
  for (const name of ['http', 'https']) {
    const { prototype } = require(name).Server;
    const { close, closeIdleConnections } = prototype;
    closers.push([prototype, closeIdleConnections]);
    prototype.close = function () {
      take(this);
      return Reflect.apply(close, this, arguments);
    };
    if (typeof closeIdleConnections !== 'function') continue;
    prototype.closeIdleConnections = function () {
      take(this);
      if (over) return Reflect.apply(closeIdleConnections, this, arguments);
    };
  }
  const http = closers.map(([prototype]) => prototype);
  const isHttp = (server) => http.some((prototype) => Object.prototype.isPrototypeOf.call(prototype, server));
  for (const handle of process._getActiveHandles()) if (handle instanceof Server && isHttp(handle)) take(handle);
  for (const [server, sessions] of http2Servers) {
    take(server); // Clients of HTTP/1 may be among its own.
    drainHttp2(server, sessions, ms);
  }
  const end = () => {
    over = true;
    for (const server of servers) if (typeof server.closeIdleConnections === 'function') server.closeIdleConnections();
    // What is busy now is idle later.
    setTimeout(end, 100).unref();
  };
  setTimeout(end, Math.max(ms - 500, ms / 2)).unref();
}
