const fs = require('fs'), path = require('path'), url = require('url');
// Deno knows no descriptor that it has not opened.
const out = typeof Deno === 'object' ? fs.openSync('/dev/fd/3', 'w') : 3;
// The path of a file, or `-` and a name for the expression on standard input.
const [file, origin] = process.argv.slice(process.argv.length - (process.argv.at(-2) === '-' ? 2 : 1));
const done = (answer) => {
  const bytes = Buffer.from(JSON.stringify(answer) + '\n');
  for (let at = 0; at < bytes.length;) at += fs.writeSync(out, bytes, at);
  process.exit(0);
};
let called = false;
const fail = (error) => done({ error: {
  called,
  message: String(error && error.name && error.message !== undefined ? `${error.name}: ${error.message}` : error),
  stack: String((error && error.stack) || ''),
} });
const load = async () => {
  if (file === '-') {
    const text = fs.readFileSync(0, 'utf8');
    return require('vm').runInThisContext(`(${text}\n)`, { filename: origin, columnOffset: -1, timeout: 5000 });
  }
  const resolved = path.resolve(file);
  if (!/\.m[jt]s$/.test(resolved)) {
    try {
      return require(resolved);
    } catch (error) {
      const module = error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE');
      if (!module) throw error;
    }
  }
  return import(url.pathToFileURL(resolved).href);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.argv.splice(1, process.argv.length, file);
(async () => {
  let value = await load();
  for (let turn = 0; turn < 10; turn++) {
    value = await value;
    called = typeof value === 'function';
    if (called) value = value();
    else if (value && typeof value === 'object' && value.default !== undefined && !value.apps && !value.script) value = value.default;
    else break;
  }
  done({ value: value === undefined || typeof value === 'function' ? null : value });
})().catch(fail);
