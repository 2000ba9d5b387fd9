// A connection to one of the sockets, which is made again when it breaks: the daemon may be replaced at any time, and its
// sockets stay.
'use strict';
const net = require('net');
const { Decoder } = require('./frames.cjs');
const { OstlerError } = require('./errors.cjs');

const FIRST_DELAY = 50;
const LONGEST_DELAY = 5000;

class Connection {
  /** `on.frame(args)`, `on.open()` after each connect, `on.broken(error)` after each loss. */
  constructor(path, on) {
    this.path = path;
    this.on = on;
    this.socket = null;
    this.closed = false;
    this.delay = FIRST_DELAY;
    this.timer = null;
  }

  /** Connects for the first time. Fails where nobody listens. */
  open() {
    return new Promise((resolve, reject) => this.connect(resolve, reject));
  }

  connect(resolve, reject) {
    const decoder = new Decoder();
    const socket = net.connect(this.path);
    let opened = false;
    let failure = null;
    socket.on('connect', () => {
      if (this.closed) return socket.destroy();
      opened = true;
      this.socket = socket;
      this.delay = FIRST_DELAY;
      resolve();
      this.on.open();
    });
    socket.on('data', (piece) => {
      try {
        for (const frame of decoder.push(piece)) this.on.frame(frame);
      } catch (error) {
        socket.destroy(error);
      }
    });
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      if (!opened) return reject(failure || new Error('the socket was closed'));
      this.socket = null;
      if (this.closed) return;
      this.on.broken(new OstlerError('ERR_CONNECTION', 'the connection to the manager broke', failure || undefined));
      this.again();
    });
  }

  again() {
    this.timer = setTimeout(() => this.connect(() => {}, () => !this.closed && this.again()), this.delay);
    this.delay = Math.min(LONGEST_DELAY, this.delay * 1.5);
  }

  /** Sends bytes. Returns whether there is a connection to send them over. */
  write(bytes) {
    if (this.socket === null) return false;
    this.socket.write(bytes);
    return true;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    if (this.socket !== null) this.socket.end();
    this.socket = null;
  }
}

module.exports = { Connection };
