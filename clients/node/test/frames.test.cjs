// The codec alone.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { encode, Decoder, LARGEST } = require('../lib/frames.cjs');

// As PM2's own client and daemon sent it.
const RECORDED =
  '12000000146a3a7b2261726773223a5b22372e302e34225d7d00000008733a383539373a30' +
  '12000000336a3a7b2274797065223a2263616c6c222c226d6574686f64223a2267657456657273696f6e222c2261726773223a5b7b7d5d7d00000008733a383539373a30';

test('what PM2 sent is read, and written byte for byte', () => {
  const bytes = Buffer.from(RECORDED, 'hex');
  const frames = new Decoder().push(bytes);
  assert.deepStrictEqual(frames, [
    [{ args: ['7.0.4'] }, '8597:0'],
    [{ type: 'call', method: 'getVersion', args: [{}] }, '8597:0'],
  ]);
  assert.deepStrictEqual(Buffer.concat(frames.map(encode)), bytes);
});

test('frames are read whatever the pieces', () => {
  const frames = [['a', { b: 'ü€😀' }], [], ['', null], [Buffer.from([0, 255])], [{ long: 'x'.repeat(70000) }, 'id']];
  const bytes = Buffer.concat(frames.map(encode));
  let seed = 1;
  const random = (below) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 200; round += 1) {
    const decoder = new Decoder();
    const found = [];
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + random(round % 2 === 0 ? 20000 : 9);
      found.push(...decoder.push(bytes.subarray(at, at + length)));
      at += length;
    }
    assert.deepStrictEqual(found, frames);
  }
});

test('what is no frame is refused before it is awaited', () => {
  assert.throws(() => new Decoder().push(Buffer.from('HTTP/1.1 200')), /no frame of version 1/);
  const head = Buffer.from([0x11, 0, 0, 0, 0]);
  head.writeUInt32BE(LARGEST + 1, 1);
  assert.throws(() => new Decoder().push(head), /above the limit/);
  assert.throws(() => new Decoder().push(encode([Buffer.from('j:{')])), SyntaxError);
  assert.throws(() => encode(new Array(16).fill('')), RangeError);
});

test('undefined becomes null', () => {
  assert.deepStrictEqual(new Decoder().push(encode([undefined, 'x'])), [[null, 'x']]);
});
