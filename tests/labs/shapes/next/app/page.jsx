export const dynamic = 'force-dynamic';
export default async function Page() {
  return <main><h1>Books</h1><p>Made at {new Date().toISOString()}</p></main>;
}
