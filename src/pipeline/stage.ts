import { writeRecord } from '../records/store.js';
import type { RunRecord } from '../records/types.js';
import { TOOL } from '../version.js';
import type { Session } from './session.js';
import type { RunContext, StageName } from './types.js';

/** A finished stage, for run.json. */
export interface Clocked {
  readonly name: string;
  readonly seconds: number;
  readonly reused: boolean;
}

/** Runs a stage between its start and end events and notes how long it took. */
export async function timed<T>(
  { context }: Pick<Session, 'context'>,
  stages: Clocked[],
  stage: StageName,
  detail: string,
  body: () => Promise<T>,
): Promise<T> {
  const start = context.now();
  context.onEvent({ type: 'start', stage, detail });
  const result = await body();
  const seconds = (context.now() - start) / 1000;
  stages.push({ name: stage, seconds, reused: false });
  context.onEvent({ type: 'end', stage, detail, reused: false, seconds });
  return result;
}

/** Notes that a stage took what stood there for the same inputs. */
export function reused({ context }: Pick<Session, 'context'>, stages: Clocked[], stage: StageName): void {
  stages.push({ name: stage, seconds: 0, reused: true });
  const detail = 'same model, data, options and seed';
  context.onEvent({ type: 'end', stage, detail, reused: true, seconds: 0 });
}

/** Rows that are judged at once. */
export const CHUNK = 500;

/** Lets signals and progress through between steps. */
export function pauseOf({ context }: Pick<Session, 'context'>): () => Promise<void> {
  return async () => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    context.signal?.throwIfAborted();
  };
}

/** What ran, where and how long. */
export function runRecord(context: RunContext, stages: readonly Clocked[]): RunRecord {
  const { command, startedAt, machine, versions } = context;
  return { schema: 'tdc/run', version: 1, tool: TOOL, command, startedAt, stages: [...stages], machine, versions };
}

/** Marks the run folder as a run's own; to be called before a stage writes there. */
export async function markFolder({ folder, context }: Session, stages: readonly Clocked[]): Promise<void> {
  await writeRecord(folder, 'run.json', runRecord(context, stages));
}
