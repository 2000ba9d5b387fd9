// An app under the tests of the client: it declares an action, and answers.
'use strict';
const say = (type, data) => process.send({ type, data });
say('axm:action', { action_name: 'add', arity: 1 });
process.on('message', (message) => {
  if (message.msg === 'add') say('axm:reply', { at: 0, action_name: 'add', return: message.opts + 1 });
  else if (message.topic === 'hello') say('got', message);
});
process.on('SIGUSR2', () => say('signalled', { yes: true }));
console.log(`up with ${process.argv.slice(2).join('|')} ${process.env.COLOUR}`);
setInterval(() => {}, 1000);
