const http = require('http');

const server = http.createServer((req, res) => res.end(`hello from process ${process.pid}\n`));
server.listen(process.env.PORT || 3000);
process.on('SIGINT', () => server.close(() => process.exit(0)));
