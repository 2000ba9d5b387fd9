'use strict';

/** Something that the manager, or the way to it, refuses. `code` says what kind of thing it is. */
class OstlerError extends Error {
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OstlerError';
    this.code = code;
  }
}

module.exports = { OstlerError };
