import http from 'node:http';

enum Kind { Typed = 'typed' }

http.createServer((_: http.IncomingMessage, answer: http.ServerResponse) => {
  answer.end(JSON.stringify({ kind: Kind.Typed }));
}).listen(Number(process.env.PORT), '127.0.0.1');
