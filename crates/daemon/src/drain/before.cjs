// Loaded by ostler into apps of Node before the app: what PM2 does inside an app without being seen.
//
// The variable says which parts are wanted. It is taken away at once, so that neither a thread nor a child of the app
// does the same again.
'use strict';
try {
  const parts = (process.env.OSTLER_NODE_PARTS || '').split(' ');
  delete process.env.OSTLER_NODE_PARTS;
  // Node 18 parses the whole map for every error: 60 ms each with a map of 2 MB.
  const cheap = 20 <= parseInt(process.versions.node, 10);
  if (parts.includes('maps!') || (parts.includes('maps') && cheap)) process.setSourceMapsEnabled(true);
  // In PM2's words: which Node runs the app is shown by `jlist`.
  if (parts[0] !== '' && process.connected) {
    process.send({ node_version: process.versions.node }, undefined, undefined, () => {});
  }
  const onError = parts.includes('agent') && process.connected ? startAgent(parts.includes('actions')) : () => {};
  if (parts.includes('rejections')) {
    let count = 0;
    let told = 0;
    const tell = () => {
      if (told === count || !process.connected) return;
      told = count;
      try {
        process.send({ type: 'ostler:rejections', data: { count } }, undefined, undefined, () => {});
      } catch {
        // The channel closes just now.
      }
    };
    process.on('unhandledRejection', (reason) => {
      try {
        process.stderr.write(`unhandled promise rejection: ${require('util').inspect(reason)}\n`);
      } catch {
        // What cannot be shown is counted all the same.
      }
      onError(reason, 'unhandledRejection');
      // The first of a burst is told at once, the others together.
      if (count === told) setTimeout(tell, 1000).unref();
      count += 1;
      if (count === 1) tell();
    });
  }
} catch {
  // Nothing here may keep an app from starting.
}
