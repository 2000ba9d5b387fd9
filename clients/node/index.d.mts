export * from './index.cjs';
import * as client from './index.cjs';
declare const all: typeof client;
export default all;
