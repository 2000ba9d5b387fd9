// One worker, two ports: a site and its health page.  ostler start examples/two-ports.js -i 2
'use strict';
const http = require('http');

const port = Number(process.env.PORT || 3000);
const answer = (text) => (request, response) => response.end(`${text} from ${process.pid}\n`);
http.createServer(answer('hello')).listen(port, () => console.log(`site on port ${port}`));
http.createServer(answer('healthy')).listen(port + 1, () => console.log(`health on port ${port + 1}`));
