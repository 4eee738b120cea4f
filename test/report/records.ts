import type { Curve, CurvePoint, RetrainRecord, RunRecord, SweepRecord } from '../../src/records/types.js';

/** The loss of the original in all records here: 1 % of it is 0.005. */
export const ORIGINAL_LOSS = 0.5;
export const PARAMETERS = 10_000;

/** Rise and standard error of a point, in % of the original's loss. */
export type Rise = readonly [k: number, risePercent: number, sePercent?: number];

export function point([k, rise, se = 0]: Rise, n: number, perUnit: number): CurvePoint {
  const parameters = PARAMETERS - perUnit * (n - k);
  const delta = (rise / 100) * ORIGINAL_LOSS;
  return {
    k,
    loss: ORIGINAL_LOSS + delta,
    se: 0.01,
    metrics: { accuracy: 0.9 - delta / 10 },
    delta,
    deltaSe: (se / 100) * ORIGINAL_LOSS,
    parameters,
    macs: 2 * parameters,
    bytes: 4 * parameters,
  };
}

export function curve(rises: readonly Rise[], options: { weights?: Curve['weights']; perUnit?: number } = {}): Curve {
  const n = rises.at(-1)?.[0] ?? 0;
  return {
    basis: 'tail',
    kind: 'unit',
    weights: options.weights ?? 'retrained',
    n,
    points: rises.map((r) => point(r, n, options.perUnit ?? 100)),
  };
}

/** A curve that falls by half from 200 % per unit and settles at `floor` %. */
export function falling(
  n: number,
  floor: number,
  options: { weights?: Curve['weights']; perUnit?: number } = {},
): Curve {
  const rises = Array.from({ length: n + 1 }, (_, k): Rise => [k, floor + 200 * 0.5 ** k, 0.1]);
  return curve(rises, options);
}

export interface GroupOptions {
  readonly name: string;
  readonly curves: readonly Curve[];
}

export function sweepRecord(groups: readonly GroupOptions[], over: Partial<SweepRecord> = {}): SweepRecord {
  return {
    schema: 'tdc/sweep',
    version: 1,
    tool: 'taildropout 0.1.0',
    inputs: `sha256:${'ef'.repeat(32)}`,
    seed: 0,
    backend: { name: 'wasm', device: 'cpu', variant: 'simd', threads: 2 },
    model: {
      name: 'tiny',
      digest: `sha256:${'ab'.repeat(32)}`,
      parameters: PARAMETERS,
      macs: 2 * PARAMETERS,
      bytes: 4 * PARAMETERS,
    },
    data: { name: 'points', digest: `sha256:${'cd'.repeat(32)}`, examples: { train: 600, select: 2000, report: 400 } },
    loss: { name: 'categoricalCrossentropy', unit: 'nats' },
    metrics: [{ name: 'accuracy', better: 'higher' }],
    notes: ['pixels scaled by 1/255'],
    original: { loss: ORIGINAL_LOSS, se: 0.01, metrics: { accuracy: 0.9 } },
    retrained: { loss: 0.501, se: 0.01, metrics: { accuracy: 0.899 }, delta: 0.001, deltaSe: 0.0005 },
    control: { loss: 0.499, se: 0.01, metrics: { accuracy: 0.901 }, delta: -0.001, deltaSe: 0.0005 },
    groups: groups.map(({ name, curves }) => ({
      name,
      n: curves[0]?.n ?? 0,
      layers: [name],
      tailPoints: [`before ${name}`],
      curves,
    })),
    skipped: [{ layer: 'logits', reason: 'output layer: its width is the number of classes' }],
    ...over,
  };
}

/** Without retraining: neither `retrained` nor `control`. */
export function withoutRetraining(record: SweepRecord): SweepRecord {
  const { retrained: _r, control: _c, ...rest } = record;
  return rest;
}

/** Two groups: dense_1 of 16 (saves most) and dense_2 of 8, on both sets of weights. */
export function twoGroups(over: Partial<SweepRecord> = {}): SweepRecord {
  return sweepRecord(
    [
      {
        name: 'dense_2',
        curves: [falling(8, 0, { weights: 'original', perUnit: 50 }), falling(8, 0.1, { perUnit: 50 })],
      },
      { name: 'dense_1', curves: [falling(16, 0, { weights: 'original' }), falling(16, 0.1)] },
    ],
    over,
  );
}

export function retrainRecord(sweep: SweepRecord): RetrainRecord {
  const { groups: _g, schema: _s, retrained, control, ...head } = sweep;
  return {
    ...head,
    schema: 'tdc/retrain',
    retrained: retrained ?? { loss: 0.5, se: 0.01, metrics: {}, delta: 0, deltaSe: 0 },
    ...(control === undefined ? {} : { control }),
    sampler: { name: 'geometric', p: 0.2, kMin: 1 },
    train: 'all',
    distill: true,
    epochs: 12,
    learningRate: 0.001,
    batchSize: 128,
    truncatedDraws: 800,
    groups: [],
    history: [],
  };
}

export const RUN: RunRecord = {
  schema: 'tdc/run',
  version: 1,
  tool: 'taildropout 0.1.0',
  command: 'tdc sweep tiny --data points.npz',
  startedAt: '2026-01-02T03:04:05.000Z',
  stages: [
    { name: 'retrain', seconds: 12.34, reused: true },
    { name: 'sweep', seconds: 4.25, reused: false },
  ],
  machine: { os: 'linux x64', cpu: 'some cpu', cores: 2, memoryBytes: 8e9 },
  versions: { node: '22.1.0', '@tensorflow/tfjs': '4.22.0' },
};
