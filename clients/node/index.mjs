import client from './index.cjs';

export const { Client, Bus, OstlerError, connect, usualHome } = client;
export default client;
