// The frames of both sockets.
//
// A frame is a byte, whose low half is the number of arguments, and each argument with its length before it: four bytes,
// the highest first. An argument is text (`s:`), JSON (`j:`) or bytes. Frames follow one another without anything between,
// and arrive in pieces.
'use strict';

const VERSION = 1;
/** Bytes of one argument, at most: who announces more is not one of ours. */
const LARGEST = 64 * 1024 * 1024;

/** The frame of these arguments: texts and buffers as they are, everything else as JSON. */
function encode(args) {
  if (15 < args.length) throw new RangeError(`a frame has at most 15 arguments, not ${args.length}`);
  const parts = [Buffer.from([(VERSION << 4) | args.length])];
  for (const arg of args) {
    const body = Buffer.isBuffer(arg) ? arg : Buffer.from(typeof arg === 'string' ? `s:${arg}` : `j:${json(arg)}`);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    parts.push(head, body);
  }
  return Buffer.concat(parts);
}

function json(value) {
  const text = JSON.stringify(value);
  return text === undefined ? 'null' : text;
}

function argument(bytes) {
  const kind = bytes.length < 2 ? '' : bytes.toString('latin1', 0, 2);
  if (kind === 's:') return bytes.toString('utf8', 2);
  if (kind === 'j:') return JSON.parse(bytes.toString('utf8', 2));
  return Buffer.from(bytes);
}

/** Puts frames together again. */
class Decoder {
  constructor() {
    this.rest = [];
    this.size = 0;
    // So many bytes are needed for the next step.
    this.needed = 1;
  }

  /**
   * Takes a piece. Returns the frames that are complete, each a list of arguments.
   * Throws where it is no frame; the connection is of no use then.
   */
  push(piece) {
    this.rest.push(piece);
    this.size += piece.length;
    const frames = [];
    while (this.needed <= this.size) {
      if (1 < this.rest.length) this.rest = [Buffer.concat(this.rest, this.size)];
      const length = this.frame(this.rest[0], frames);
      if (length === 0) break;
      this.rest = [this.rest[0].subarray(length)];
      this.size -= length;
      this.needed = 1;
    }
    return frames;
  }

  /** Adds the frame at the beginning. Returns its length; 0 where it is not complete, and `needed` says what is missing. */
  frame(bytes, frames) {
    if (bytes[0] >> 4 !== VERSION) throw new Error(`this is no frame of version ${VERSION}: its first byte is ${bytes[0]}`);
    const args = [];
    let at = 1;
    for (let left = bytes[0] & 15; 0 < left; left -= 1) {
      if (bytes.length < at + 4) {
        this.needed = at + 4;
        return 0;
      }
      const length = bytes.readUInt32BE(at);
      if (LARGEST < length) throw new Error(`an argument of ${length} bytes is above the limit of ${LARGEST}`);
      at += 4;
      if (bytes.length < at + length) {
        this.needed = at + length;
        return 0;
      }
      args.push(argument(bytes.subarray(at, at + length)));
      at += length;
    }
    frames.push(args);
    return at;
  }
}

module.exports = { encode, Decoder, LARGEST };
