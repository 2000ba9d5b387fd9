interface App {
  name: string;
  script: string;
  instances?: number;
  exec_mode?: 'cluster' | 'fork';
  node_args?: string;
  env?: Record<string, string>;
}

const port: string = process.env.PORT ?? '3000';
const apps: App[] = [
  { name: 'typed', script: './src/server.ts', instances: 2, exec_mode: 'cluster', node_args: '--import tsx', env: { PORT: port } },
  { name: 'clock', script: './src/clock.ts' },
];

export default { apps };
