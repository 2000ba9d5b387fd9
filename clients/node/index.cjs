'use strict';
const { Client, usualHome } = require('./lib/client.cjs');
const { Bus } = require('./lib/bus.cjs');
const { OstlerError } = require('./lib/errors.cjs');

/** Connects to the daemon of a home. */
const connect = (options) => new Client(options).connect();

module.exports = { Client, Bus, OstlerError, connect, usualHome };
