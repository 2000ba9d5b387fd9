export const users = ['Ada', 'Grace'];
export const greet = user => `greets ${user}`;
