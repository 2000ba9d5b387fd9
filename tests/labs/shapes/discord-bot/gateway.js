// What Discord does until a bot is logged in, and no more.
const http = require('node:http');
const { WebSocketServer } = require('ws');

const port = process.env.PORT;
const server = http.createServer((request, answer) => {
  answer.setHeader('Content-Type', 'application/json');
  const session_start_limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
  answer.end(JSON.stringify({ url: `ws://127.0.0.1:${port}`, shards: 1, session_start_limit }));
}).listen(port, '127.0.0.1');
new WebSocketServer({ server }).on('connection', socket => {
  const send = message => socket.send(JSON.stringify(message));
  send({ op: 10, d: { heartbeat_interval: 40000 } });
  socket.on('message', text => {
    const { op } = JSON.parse(text);
    if (op === 1) send({ op: 11 });
    if (op !== 2) return;
    const user = { id: '1', username: 'helper', discriminator: '0', avatar: null, bot: true };
    const d = { v: 10, user, guilds: [], session_id: 's', resume_gateway_url: `ws://127.0.0.1:${port}`, shard: [0, 1], application: { id: '1', flags: 0 } };
    send({ op: 0, s: 1, t: 'READY', d });
  });
});
