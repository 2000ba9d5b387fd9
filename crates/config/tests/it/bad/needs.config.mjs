import base from './base/no.mjs';
export default { apps: [base] };
