const begun = Date.now();
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const express = require('express');

// Content and config are where it was started, and not in the folder of the version.
const config = require(path.resolve(`config.${process.env.NODE_ENV}.json`));
const posts = new DatabaseSync(path.resolve(config.database.filename));
posts.exec('CREATE TABLE IF NOT EXISTS posts (title TEXT UNIQUE)');
posts.prepare('INSERT OR IGNORE INTO posts VALUES (?)').run('First post');
const app = express();
app.get('/', (request, response) => {
  response.send(posts.prepare('SELECT title FROM posts').all().map(post => `<h2>${post.title}</h2>`).join(''));
});
app.get('/ghost/api/site/', (request, response) => response.json({ version: require('./package.json').version }));
const server = app.listen(process.env.server__port, config.server.host, () => {
  console.log(`Blog booted in ${Date.now() - begun} ms`);
});
process.once('SIGINT', () => server.close(() => posts.close()));
