import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { onTestFinished } from 'vitest';

import { run } from '../../src/cli/main.js';
import type { Pipeline, World } from '../../src/cli/world.js';
import type { RunContext, RunOptions, RunResult } from '../../src/pipeline/types.js';
import type { InspectRecord, RunRecord, SweepRecord } from '../../src/records/types.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in a process of its own making: what it wrote, and its exit code. */
export async function tdc(argv: readonly string[], more: Partial<World> = {}): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run({
    argv,
    cwd: more.cwd ?? tmpdir(),
    env: {},
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    now: () => 0,
    date: () => new Date(0),
    machine: () => ({ os: 'test', cpu: 'test', cores: 2, memoryBytes: 1 }),
    versions: { node: '0' },
    onInterrupt: () => () => {},
    loadPipeline: () => Promise.reject(new Error('this test hands in no pipeline')),
    loadDoctor: () => Promise.reject(new Error('this test hands in no doctor')),
    ...more,
  });
  return { code, stdout: out.join(''), stderr: err.join('') };
}

/** A folder that is gone after the test, with these files in it. */
export function folder(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'tdc-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

/** A pipeline that measures nothing and remembers what it was asked. */
export interface SpyPipeline extends Pipeline {
  readonly asked: { options: Partial<RunOptions>; context: RunContext }[];
}

/** `during` runs inside the call, in place of the work. */
export function spyPipeline(during: (context: RunContext) => void | Promise<void> = () => {}): SpyPipeline {
  const asked: SpyPipeline['asked'] = [];
  const result = async (options: Partial<RunOptions>, context: RunContext): Promise<RunResult> => {
    asked.push({ options, context });
    await during(context);
    return { folder: join(context.cwd, 'reports/m'), files: ['sweep.json', 'report.html'], sweep: SWEEP, run: RUN };
  };
  return {
    asked,
    runSweep: result,
    runRetrain: result,
    runCompare: result,
    runRecommend: result,
    runCompress: result,
    runReport: (path, context) => result({ out: path }, context),
    runInspect: async (options, context) => {
      asked.push({ options, context });
      await during(context);
      return { record: INSPECT, svg: '<svg></svg>' };
    },
  };
}

/** The options that a command line hands to the library. */
export async function askedOptions(argv: readonly string[], more: Partial<World> = {}): Promise<Partial<RunOptions>> {
  const pipeline = spyPipeline();
  const outcome = await tdc(argv, { loadPipeline: async () => pipeline, ...more });
  const asked = pipeline.asked[0];
  if (asked === undefined) throw new Error(`nothing was asked: ${outcome.stderr}`);
  return asked.options;
}

const COST = { parameters: 6570, macs: 6464, bytes: 26_280 };
const MODEL = { name: 'm', digest: 'sha256:0', ...COST };
const MEASURED = { loss: 0.5, se: 0.01, metrics: { accuracy: 0.9 } };
const point = (k: number, delta: number) => ({ k, ...MEASURED, loss: 0.5 + delta, delta, deltaSe: 0.001, ...COST });

export const SWEEP: SweepRecord = {
  schema: 'tdc/sweep',
  version: 1,
  tool: 'taildropout 0.1.0',
  inputs: 'sha256:1',
  seed: 0,
  backend: { name: 'wasm', device: 'cpu', variant: 'simd', threads: 2 },
  model: MODEL,
  data: { name: 'd', digest: 'sha256:2', examples: { train: 60, select: 20, report: 20 } },
  loss: { name: 'categoricalCrossentropy', unit: 'nats' },
  metrics: [{ name: 'accuracy', better: 'higher' }],
  notes: [],
  original: MEASURED,
  groups: [
    {
      name: 'dense_1',
      n: 2,
      layers: ['dense_1', 'dense_2'],
      tailPoints: ['before dense_2'],
      curves: [
        { basis: 'tail', kind: 'unit', weights: 'original', n: 2, points: [point(0, 1), point(1, 0.1), point(2, 0)] },
      ],
    },
  ],
  skipped: [],
};

const RUN: RunRecord = {
  schema: 'tdc/run',
  version: 1,
  tool: 'taildropout 0.1.0',
  command: 'tdc sweep',
  startedAt: '1970-01-01T00:00:00.000Z',
  stages: [],
  machine: { os: 'test', cpu: 'test', cores: 2, memoryBytes: 1 },
  versions: {},
};

export const INSPECT: InspectRecord = {
  schema: 'tdc/inspect',
  version: 1,
  tool: 'taildropout 0.1.0',
  seed: 0,
  backend: { name: 'cpu', device: 'cpu', variant: 'plain', threads: 1 },
  model: MODEL,
  metrics: [],
  layers: [
    { name: 'dense_1', className: 'Dense', outputShape: [null, 64], parameters: 4160, macs: 4096 },
    { name: 'dense_2', className: 'Dense', outputShape: [null, 10], parameters: 650, macs: 640 },
  ],
  groups: [
    {
      name: 'dense_1',
      n: 64,
      layers: ['dense_1', 'dense_2'],
      tailPoints: ['before dense_2'],
      smallest: { parameters: 85, macs: 74, bytes: 340 },
      full: COST,
      perUnit: { parameters: 75, macs: 74, bytes: 300 },
    },
  ],
  smallest: { parameters: 85, macs: 74, bytes: 340 },
  skipped: [{ layer: 'dense_2', reason: 'output layer: its width is the number of classes' }],
  repairs: [],
};
