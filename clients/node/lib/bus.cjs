// The events of all apps and of the manager itself.
'use strict';
const { EventEmitter } = require('events');
const { Connection } = require('./connection.cjs');

/**
 * Emits each event under its topic (`log:out`, `process:event`, …): `(data)`; and under `*` and under each pattern that somebody
 * listens to and that has a `*` in it: `(topic, data)`.
 */
class Bus extends EventEmitter {
  constructor(path) {
    super();
    this.setMaxListeners(0);
    this.patterns = new Map();
    this.connection = new Connection(path, {
      frame: ([topic, data]) => this.take(String(topic), data),
      open: () => {},
      broken: () => {},
    });
    this.on('newListener', (name) => this.learn(name));
  }

  connect() {
    return this.connection.open();
  }

  learn(name) {
    if (typeof name !== 'string' || !name.includes('*')) return;
    const parts = name.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    this.patterns.set(name, new RegExp(`^${parts.join('.+')}$`, 's'));
  }

  take(topic, data) {
    // Node ends a process for an `error` that nobody listens to; an app may well call an event so.
    if (topic !== 'error' || 0 < this.listenerCount('error')) this.emit(topic, data);
    for (const [name, pattern] of this.patterns) if (pattern.test(topic)) this.emit(name, topic, data);
  }

  close() {
    this.connection.close();
    this.removeAllListeners();
  }
}

module.exports = { Bus };
