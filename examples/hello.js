// Run it as two workers of one port:  ostler start examples/hello.js -i 2
'use strict';
const http = require('http');

const port = Number(process.env.PORT || 3000);
const server = http.createServer((request, response) => response.end(`hello from ${process.pid}\n`));
server.listen(port, () => console.log(`${process.pid} listens on port ${port}`));
