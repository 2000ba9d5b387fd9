export const GET = () => Response.json(['07:12', '07:42']);
