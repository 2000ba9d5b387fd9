'use strict';
const express = require('express');

const app = express();
const port = Number(process.env.PORT || 3000);

app.get('/', (request, response) => response.send(`hello from ${process.pid}\n`));

const server = app.listen(port, () => console.log(`${process.pid} listens on port ${port}`));

// Asked to end: finish what is open, then go. Without this, too, a reload sends nothing new to a worker that leaves.
process.on('SIGINT', () => server.close(() => process.exit(0)));
