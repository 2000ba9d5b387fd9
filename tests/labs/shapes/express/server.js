const compression = require('compression');
const express = require('express');

const app = express();
app.use(compression());
app.get('/', (request, response) => response.json({ mode: process.env.NODE_ENV, worker: process.env.NODE_APP_INSTANCE }));
const server = app.listen(process.env.PORT, () => {
  console.log(`listening in ${process.env.NODE_ENV}`);
});
process.on('SIGINT', () => server.close(() => process.exit(0)));
