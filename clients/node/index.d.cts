/// <reference types="node" />
import { EventEmitter } from 'events';

export interface ConnectOptions {
  /** The manager's home; else `OSTLER_HOME`, `PM2_HOME`, `~/.ostler`. */
  home?: string;
  /** How long one call may take, ms. Without it a call waits for ever. */
  timeout?: number;
  /** The program that is asked to start a daemon where none runs, such as `ostler`. */
  program?: string;
}

export type Status =
  | 'online' | 'launching' | 'stopping' | 'stopped' | 'errored' | 'waiting restart' | 'one-launch-status';

/** A figure that an app tells of itself. */
export interface Metric {
  value: number | string;
  type?: string;
  unit?: string;
  historic?: boolean;
}

/** Something that an app can be asked to do. */
export interface Action {
  action_name: string;
  action_type?: string;
  arity?: number;
  opts?: unknown;
}

/** The record of a process. Its variables stand in it, too, each under its name. */
export interface ProcessRecord {
  name: string;
  namespace: string;
  pm_id: number;
  status: Status;
  exec_mode: 'fork_mode' | 'cluster_mode';
  exec_interpreter: string;
  pm_exec_path: string;
  pm_cwd: string;
  pm_out_log_path: string;
  pm_err_log_path: string;
  pm_log_path?: string;
  pm_pid_path: string;
  args?: string[];
  node_args?: string[];
  env: Record<string, unknown>;
  instances?: number;
  pm_uptime?: number;
  created_at?: number;
  restart_time: number;
  unstable_restarts: number;
  version?: string;
  node_version?: string;
  exit_code?: number;
  axm_actions: Action[];
  axm_monitor: Record<string, Metric>;
  axm_options: Record<string, unknown>;
  [key: string]: unknown;
}

/** A process of the list. */
export interface ProcessDescription {
  pid: number;
  name: string;
  pm_id: number;
  pm2_env: ProcessRecord;
  /** Bytes, and percent of one processor. Only lists have it. */
  monit?: { memory: number; cpu: number };
}

/** A process that was started. */
export interface StartedProcess extends ProcessDescription {
  process: { pid: number };
}

/** An app as a process file describes it. */
export interface App {
  script: string;
  name?: string;
  namespace?: string;
  cwd?: string;
  args?: string | string[];
  interpreter?: string;
  node_args?: string | string[];
  instances?: number | 'max';
  exec_mode?: 'fork' | 'cluster';
  env?: Record<string, string | number | boolean>;
  output?: string;
  out_file?: string;
  error_file?: string;
  log_file?: string;
  pid_file?: string;
  merge_logs?: boolean;
  autorestart?: boolean;
  max_restarts?: number;
  min_uptime?: number | string;
  restart_delay?: number;
  exp_backoff_restart_delay?: number;
  max_memory_restart?: number | string;
  kill_timeout?: number;
  kill_signal?: string;
  listen_timeout?: number;
  wait_ready?: boolean;
  shutdown_with_message?: boolean;
  stop_exit_codes?: number[];
  treekill?: boolean;
  pmx?: boolean;
  [key: string]: unknown;
}

export interface RestartOptions {
  /** Variables that change. */
  env?: Record<string, string | number | boolean>;
  /** Takes this program's own variables, too. */
  updateEnv?: boolean;
  /** Attributes that change, such as `kill_timeout`. */
  [attribute: string]: unknown;
}

/** Which processes are meant: a number, the name of an app, a namespace, `all`. */
export type Target = string | number;

export interface EventSubject {
  pm_id: number;
  name: string;
  namespace?: string;
  rev?: string | null;
}

export interface LifecycleEvent {
  event: 'start' | 'online' | 'exit' | 'restart' | 'reload' | 'stop' | 'delete' | 'restart overlimit' | (string & {});
  manually: boolean;
  process: Partial<ProcessRecord> & { name: string; pm_id: number };
  at: number;
}

export interface LogEvent {
  process: EventSubject;
  at: number;
  data: string;
}

export interface MessageEvent {
  process: EventSubject;
  at: number;
  raw?: unknown;
  data?: unknown;
}

export interface ExceptionEvent {
  process: EventSubject;
  at: number;
  data: { name?: string; message: string; stack: string; code?: string; origin?: string };
}

export interface ReplyEvent {
  process: EventSubject;
  at: number;
  data: { at: number; action_name: string; return: any };
}

export interface KillEvent {
  status: 'killed';
  msg: string;
}

/** Events by their topics. */
export interface Events {
  'process:event': LifecycleEvent;
  'log:out': LogEvent;
  'log:err': LogEvent;
  'log:PM2': { process: { pm_id: 'PM2'; name: 'PM2'; rev: null }; at: number; data: string; dropped?: number };
  'process:msg': MessageEvent;
  'process:exception': ExceptionEvent;
  'axm:reply': ReplyEvent;
  'pm2:kill': KillEvent;
}

/** What all apps say and what happens to them. A topic may have `*` for one or more characters. */
export declare class Bus extends EventEmitter {
  on<T extends keyof Events>(topic: T, listener: (event: Events[T]) => void): this;
  on(pattern: '*' | `${string}*${string}`, listener: (topic: string, event: any) => void): this;
  on(topic: string, listener: (...args: any[]) => void): this;
  once<T extends keyof Events>(topic: T, listener: (event: Events[T]) => void): this;
  once(topic: string, listener: (...args: any[]) => void): this;
  close(): void;
}

export type ErrorCode =
  | 'ERR_NO_MANAGER' | 'ERR_CONNECTION' | 'ERR_DISCONNECTED' | 'ERR_REFUSED' | 'ERR_UNKNOWN' | 'ERR_ARGUMENT' | 'ERR_TIMEOUT';

export declare class OstlerError extends Error {
  code: ErrorCode;
}

export declare class Client {
  constructor(options?: ConnectOptions);
  /** The manager's home. */
  readonly home: string;
  connect(): Promise<this>;
  disconnect(): Promise<void>;
  /** Calls a method of the daemon by its name. */
  call<T = any>(method: string, ...args: unknown[]): Promise<T>;
  ping(): Promise<{ msg: 'pong' }>;
  getVersion(): Promise<string>;
  list(): Promise<ProcessDescription[]>;
  describe(target: Target): Promise<ProcessDescription[]>;
  /** Starts a script, an app, several apps, a process file, or processes of the list. */
  start(script: string, options?: Partial<App>): Promise<StartedProcess[]>;
  start(given: App | App[] | { apps: App[] } | number): Promise<StartedProcess[]>;
  restart(target: Target, options?: RestartOptions): Promise<StartedProcess[]>;
  reload(target: Target, options?: RestartOptions): Promise<StartedProcess[]>;
  stop(target: Target): Promise<ProcessDescription[]>;
  delete(target: Target): Promise<ProcessDescription[]>;
  reset(target: Target): Promise<unknown[]>;
  scale(name: string, count: number | `+${number}` | `-${number}`): Promise<ProcessDescription[]>;
  flush(target?: Target): Promise<void>;
  reloadLogs(): Promise<void>;
  sendDataToProcessId(id: number, packet: { type?: string; topic?: string; data: unknown }): Promise<{ success: boolean; data: unknown }>;
  sendSignalToProcessId(signal: string, id: number): Promise<ProcessDescription[]>;
  sendSignalToProcessName(signal: string, name: string): Promise<ProcessDescription[]>;
  trigger(target: Target, action: string, params?: unknown, options?: { timeout?: number }): Promise<ReplyEvent[]>;
  /** Takes a profile of an app of Node into a file, which it returns. */
  profile(target: Target, options?: { kind?: 'cpu' | 'heap'; ms?: number; file?: string }): Promise<string>;
  launchBus(): Promise<Bus>;
  killDaemon(): Promise<void>;
}

/** Connects to the daemon of a home. */
export declare function connect(options?: ConnectOptions): Promise<Client>;

/** Where the manager's home is, unless it is said. */
export declare function usualHome(env?: Record<string, string | undefined>): string;
