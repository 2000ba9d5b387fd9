import { greet, users } from '@team/shared';

console.log(greet(users[0]));
setInterval(() => console.log(greet(users[1])), 1000);
