const express = require('express');

const app = express();
app.get('/item/:id', async (request, response) => {
  const answer = await fetch(`http://127.0.0.1:${process.env.API_PORT}/items/${request.params.id}`);
  response.send(`item ${(await answer.json()).id}`);
});
app.listen(process.env.PORT, '127.0.0.1');
