import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { disposeModel, loadModel, locateModel } from '../../src/model/index.js';
import { runCompress, runRecommend, type RunEvent, type RunInput, type RunResult } from '../../src/pipeline/index.js';
import type { PlannedGroup, PlanRecord } from '../../src/records/types.js';
import { contextOf, testFolder, twoOfEight, UNITS_ONLY, writeCase } from './plan-cases.js';

const folder = testFolder();

async function planned(out: string, more: Partial<RunInput>): Promise<PlanRecord> {
  const { plan } = await runRecommend(
    twoOfEight({ ...UNITS_ONLY, ...more, out: join(folder, out) }),
    contextOf(folder),
  );
  return plan!;
}

describe('a budget', () => {
  it.each([
    { budget: 0.3, kind: 'relative', value: 0.3, allowed: (plan: PlanRecord) => 0.3 * plan.original.loss },
    { budget: '30%', kind: 'relative', value: 0.3, allowed: (plan: PlanRecord) => 0.3 * plan.original.loss },
    { budget: 'abs:0.05', kind: 'abs', value: 0.05, allowed: () => 0.05 },
    { budget: 'metric:0.02', kind: 'metric', value: 0.02, allowed: () => 0.02 },
  ])('of $budget allows as much in its own unit', async ({ budget, kind, value, allowed }) => {
    const plan = await planned('kinds', { budget });
    expect(plan.budget).toEqual({ kind, value, allowed: allowed(plan) });
  });

  it('in accuracy counts what falls as worse', async () => {
    const { planned: point, original, report } = await planned('kinds', { budget: 'metric:0.05' });
    expect(point.delta).toBeCloseTo(original.metrics.accuracy - point.metrics.accuracy, 9);
    expect(report.delta).toBeCloseTo(report.original.metrics.accuracy - report.planned.metrics.accuracy, 9);
    // told as it is beside: a change, not a worsening
    expect(report.metrics[0].delta).toBeCloseTo(-report.delta, 9);
  });

  it('in an error counts what rises as worse', async () => {
    const {
      planned: point,
      original,
      metrics,
    } = await planned('error', {
      budget: 'metric:0.05',
      metric: 'meanAbsoluteError',
    });
    expect(metrics[0]).toEqual({ name: 'meanAbsoluteError', better: 'lower' });
    expect(point.delta).toBeCloseTo(point.metrics.meanAbsoluteError - original.metrics.meanAbsoluteError, 9);
    expect(point.delta).toBeGreaterThan(0);
  });

  it("is a hundredth of what is explained where the target is the model's own output", async () => {
    const plan = await planned('self', { target: 'self' });
    expect(plan.budget).toMatchObject({ kind: 'explained', value: 0.01 });
    expect(Math.abs(plan.original.loss)).toBeLessThan(1e-6);
    expect(plan.budget.allowed).toBeGreaterThan(0);
  });

  it('that is a share of next to nothing is taken, and the plan says so', async () => {
    const sure = await writeCase(join(folder, 'sure'), certain(), 400, 1);
    const { plan } = await runRecommend({ ...sure, ...UNITS_ONLY, out: join(folder, 'sure-run') }, contextOf(folder));
    expect(plan!.notes.join('\n')).toMatch(/times smaller than a constant answer's.*explained:0.01/);
  });
});

/** A model that is nearly always sure of its answer. */
function certain(): tf.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.dense({ name: 'wide', inputShape: [2], units: 4, activation: 'relu' }));
  model.add(tf.layers.dense({ name: 'classes', units: 2, activation: 'softmax' }));
  const copies = [6, -6, 6, -6, 0, 0, 0, 0];
  const read = [6, -6, -6, 6, 6, -6, -6, 6];
  tf.tidy(() =>
    model.setWeights([tf.tensor2d(copies, [2, 4]), tf.zeros([4]), tf.tensor2d(read, [4, 2]), tf.zeros([2])]),
  );
  return model;
}

function hidden(name: string, seed: number): tf.layers.Layer {
  const kernelInitializer = tf.initializers.randomNormal({ stddev: 0.6, seed });
  return tf.layers.dense({ name, units: 12, activation: 'tanh', kernelInitializer });
}

/** Three groups, so that there is something to trade; every unit of some use. */
async function makeGroups(): Promise<RunInput> {
  const x = tf.input({ shape: [4], name: 'x' });
  const features = [hidden('a', 1), hidden('b', 2), hidden('c', 3)].reduce(
    (on, layer) => layer.apply(on) as tf.SymbolicTensor,
    x,
  );
  const kernelInitializer = tf.initializers.randomNormal({ stddev: 0.8, seed: 4 });
  const classes = tf.layers.dense({ name: 'classes', units: 3, activation: 'softmax', kernelInitializer });
  return writeCase(
    join(folder, 'three'),
    tf.model({ inputs: x, outputs: classes.apply(features) as tf.SymbolicTensor }),
    800,
    5,
  );
}

let made: Promise<RunInput> | undefined;
const threeGroups = (): Promise<RunInput> => (made ??= makeGroups());

const widths = (groups: readonly PlannedGroup[]): Record<string, number> =>
  Object.fromEntries(groups.map(({ name, k }) => [name, k]));

async function run(more: Partial<RunInput>): Promise<RunResult> {
  const asked = { ...UNITS_ONLY, budget: 'explained:0.3', out: join(folder, 'asked'), ...more };
  return runRecommend({ ...(await threeGroups()), ...asked }, contextOf(folder));
}

/** Milliseconds of a model with one group at k, the others at their 12. */
const TIMES: Readonly<Record<number, number>> = { 2: 2, 3: 3, 6: 6, 12: 8 };

/** With a clock that takes as long as the table says for whatever is being timed. */
async function clocked(out: string): Promise<RunResult> {
  let [ms, timed] = [0, 0];
  const speeds = [12, 2, 3, 6, 2, 3, 6, 2, 3, 6].map((k) => TIMES[k]);
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'progress' && event.stage === 'latency') timed = event.done;
  };
  const options = { ...(await threeGroups()), ...UNITS_ONLY, budget: 'explained:0.3', minimize: 'latency' as const };
  const now = (): number => (ms += speeds[timed] ?? 1);
  return runRecommend({ ...options, out: join(folder, out) }, { ...contextOf(folder), now, onEvent });
}

describe('what is asked of widths', () => {
  it.each([
    { more: { roundTo: 4 }, holds: (k: Record<string, number>) => Object.values(k).every((n) => n % 4 === 0) },
    {
      more: { roundTo: 5 },
      holds: (k: Record<string, number>) => Object.values(k).every((n) => n % 5 === 0 || n === 12),
    },
    { more: { min: { a: 11, b: 9 } }, holds: (k: Record<string, number>) => k['a'] >= 11 && k['b'] >= 9 },
    { more: { pin: { b: 7, c: 12 } }, holds: (k: Record<string, number>) => k['b'] === 7 && k['c'] === 12 },
  ])('is kept by every plan that is measured: $more', async ({ more, holds }) => {
    const { plan } = await run(more);
    expect(plan!.frontier.length).toBeGreaterThan(0);
    expect(plan!.frontier.map(({ groups }) => widths(groups)).filter((k) => !holds(k))).toEqual([]);
  });

  it.each(['parameters', 'macs', 'bytes'] as const)(
    'saves %s, by a plan that was measured and holds',
    async (minimize) => {
      const { plan } = await run({ minimize });
      expect(plan!.minimize).toBe(minimize);
      expect(plan!.planned[minimize]).toBeLessThan(plan!.original[minimize]);
      // what holds on both halves holds on the one that is told
      const holding = plan!.frontier.filter(({ upper95 }) => upper95 <= plan!.budget.allowed);
      expect(holding.map((point) => point[minimize])).toContain(plan!.planned[minimize]);
    },
  );

  it('saves latency by a clock, the same plan for the same clock', async () => {
    const { plan, run: first } = await clocked('clock-1');
    expect(first.stages.map(({ name }) => name)).toContain('latency');
    // the clock gives the smallest model 1 ms and the full one 8
    const shares = plan!.groups.map(({ k }) => {
      const above = [2, 3, 6, 12].find((width) => width >= k)!;
      const below = [12, 6, 3, 2].find((width) => width <= k) ?? above;
      const share = above === below ? 0 : (k - below) / (above - below);
      return (TIMES[below] + share * (TIMES[above] - TIMES[below]) - 1) / 7;
    });
    expect(plan!.planned.latency).toBeCloseTo(1 + 7 * shares.reduce((all, each) => all * each, 1), 9);
    expect(plan!.planned.latency).toBeLessThan(8);
    expect((await clocked('clock-2')).plan).toEqual(plan);
  });

  it('cannot be latency without a clock, which is said before anything is trained', async () => {
    await expect(planned('no-clock', { minimize: 'latency' })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/clock/) as string,
    });
  });

  it.each([
    [{ budget: 'one' }, /budget/i],
    [{ baseline: 'nowhere' }, /--baseline nowhere/],
  ])('with %o is refused before a model is looked for', async (wrong, said) => {
    const options: RunInput = { model: 'no-model', data: 'no-data', ...wrong };
    for (const run of [runRecommend, runCompress]) {
      await expect(run(options, contextOf(folder))).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(said) as string,
      });
    }
  });

  it('with the --baseline of another run stands beside it', async () => {
    const plan = await planned('beside', { budget: 'abs:0.2', baseline: join(folder, 'kinds') });
    expect(plan.baseline!.budget.kind).toBe('metric');
  });

  it('warns of a --baseline by another loss', async () => {
    const events: RunEvent[] = [];
    const more = { budget: 'explained:0.3', target: 'self', baseline: join(folder, 'kinds') };
    await runRecommend(
      twoOfEight({ ...UNITS_ONLY, ...more, out: join(folder, 'other-loss') }),
      contextOf(folder, events),
    );
    const said = events.flatMap((event) => (event.type === 'warning' ? [event.text] : []));
    const plain: RunEvent[] = [];
    const same = { budget: 'abs:0.2', baseline: join(folder, 'kinds') };
    await runRecommend(
      twoOfEight({ ...UNITS_ONLY, ...same, out: join(folder, 'same-loss') }),
      contextOf(folder, plain),
    );
    const differ = expect.stringContaining('their losses do not compare') as string;
    expect(said.filter((text) => text.startsWith('The baseline'))).toEqual([differ]);
    expect(plain.some((event) => event.type === 'warning' && event.text.startsWith('The baseline'))).toBe(false);
  });
});

describe('a compressed model', () => {
  it('has the widths of the plan, the names and the classes of the original', async () => {
    const options = { ...(await threeGroups()), ...UNITS_ONLY, budget: 'explained:0.3', out: join(folder, 'small') };
    const { plan, compress } = await runCompress(options, contextOf(folder));
    const { model } = await loadModel(await locateModel(join(folder, 'small/compressed')));
    try {
      const built = model.layers
        .filter(({ name }) => name !== 'x')
        .map(({ name, outputShape }) => [name, outputShape.at(-1)]);
      expect(built).toEqual([...plan!.groups.map(({ name, k }) => [name, k]), ['classes', 3]]);
    } finally {
      disposeModel(model);
    }
    expect(compress!.parity.examples).toBe(256);
    expect(compress!.parity.maxAbsDifference).toBeLessThanOrEqual(1e-5 * compress!.parity.maxOutput);
    expect(compress!.compressed.parameters).toBeLessThan(compress!.original.parameters);
  });
});
