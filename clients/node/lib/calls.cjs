// Calls and their answers, which may come in any order.
'use strict';
const { encode } = require('./frames.cjs');
const { Connection } = require('./connection.cjs');
const { OstlerError } = require('./errors.cjs');

/** What changes nothing is asked again when the daemon is replaced before it has answered. */
const REPEATABLE = new Set(['ping', 'getVersion', 'getReport', 'getMonitorData', 'getSystemData']);

class Calls {
  constructor(path, timeout) {
    this.timeout = timeout;
    this.next = 0;
    this.open = new Map();
    this.connection = new Connection(path, {
      frame: ([body, id]) => this.answered(String(id), body),
      open: () => this.opened(),
      broken: (error) => this.broken(error),
    });
  }

  connect() {
    return this.connection.open();
  }

  call(method, ...args) {
    return new Promise((resolve, reject) => {
      const id = `${process.pid}:${this.next}`;
      this.next += 1;
      const bytes = encode([{ type: 'call', method, args }, id]);
      const call = { method, bytes, resolve, reject, timer: null, sent: false };
      if (0 < this.timeout) {
        const late = () => this.end(id, (of) => of.reject(new OstlerError('ERR_TIMEOUT', `\`${method}\` was not answered in ${this.timeout} ms`)));
        call.timer = setTimeout(late, this.timeout);
      }
      this.open.set(id, call);
      // Without a connection it waits for the next one.
      call.sent = this.connection.write(bytes);
    });
  }

  end(id, how) {
    const call = this.open.get(id);
    if (call === undefined) return;
    this.open.delete(id);
    clearTimeout(call.timer);
    how(call);
  }

  answered(id, body) {
    this.end(id, (call) => {
      if (body !== null && typeof body === 'object' && 'error' in body) {
        const text = typeof body.error === 'string' ? body.error : JSON.stringify(body.error);
        return call.reject(new OstlerError('ERR_REFUSED', text));
      }
      call.resolve(body && body.args ? body.args[0] : undefined);
    });
  }

  opened() {
    for (const call of this.open.values()) if (!call.sent) call.sent = this.connection.write(call.bytes);
  }

  broken(error) {
    for (const [id, call] of [...this.open]) {
      if (REPEATABLE.has(call.method)) call.sent = false;
      else if (call.sent) this.end(id, (of) => of.reject(new OstlerError('ERR_CONNECTION', `the daemon ended before it answered \`${call.method}\`, which may be done or not`, error)));
    }
  }

  close() {
    this.connection.close();
    const error = new OstlerError('ERR_DISCONNECTED', 'the client has disconnected');
    for (const id of [...this.open.keys()]) this.end(id, (call) => call.reject(error));
  }
}

module.exports = { Calls };
