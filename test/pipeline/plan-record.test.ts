import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { readDataset } from '../../src/data/dataset.js';
import { subSplit, wholeSplit } from '../../src/data/split.js';
import type { Batch, Split } from '../../src/data/types.js';
import { readGraph } from '../../src/graph/index.js';
import { disposeModel, loadModel, locateModel } from '../../src/model/index.js';
import { runCompress, runRecommend, type RunInput, type RunResult } from '../../src/pipeline/index.js';
import { fitOf } from '../../src/pipeline/fit.js';
import { halvesOf } from '../../src/pipeline/plan/halves.js';
import type { PlanRecord } from '../../src/records/types.js';
import { contextOf, testFolder, twoOfEight } from './plan-cases.js';

/** Float32 sums of other lengths, in other orders. */
const ROUNDING = 1e-6;
/** A one-sided bound of 95 % lies 1.645 standard errors off; a bootstrap of 300 rows moves it by some tenths. */
const [LEAST_Z, MOST_Z] = [1.3, 2.1];

const folder = testFolder();
const SEED = 3;
/** A tenth of what is explained, by units, with all of retraining, control and tuning: the first budget and the second. */
const BUDGETS = ['explained:0.1', 'explained:0.2'] as const;
const options = (out: string, more: Partial<RunInput> = {}): RunInput =>
  twoOfEight({
    budget: BUDGETS[0],
    mode: 'unit',
    sampler: 'uniform',
    learningRate: 1e-2,
    epochs: 6,
    tune: 6,
    seed: SEED,
    out: join(folder, out),
    ...more,
  });
const stagesOf = ({ run }: RunResult): string[] =>
  run.stages.filter(({ name }) => name !== 'report').map(({ name, reused }) => (reused ? `${name} reused` : name));

let whole: RunResult;
let plan: PlanRecord;
beforeAll(async () => {
  whole = await runRecommend(options('whole'), contextOf(folder));
  plan = whole.plan!;
  await runCompress(options('whole'), contextOf(folder));
});

/** Every file of a run folder but run.json (clocks) by the digest of its bytes. */
function digests(out: string, names: readonly string[] = readdirSync(join(folder, out))): Record<string, string> {
  const files = names.flatMap((name) => {
    const path = join(folder, out, name);
    return statSync(path).isDirectory() ? readdirSync(path).map((inner) => join(name, inner)) : [name];
  });
  const told = files.filter((name) => !['run.json', 'latency.json'].includes(name)).sort();
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, out, name)))
      .digest('hex');
  return Object.fromEntries(told.map((name) => [name, digest(name)]));
}

/** Losses and accuracies of a written model on some rows, by plain predictions. */
async function naive(path: string, split: Split): Promise<{ loss: number[]; accuracy: number[] }> {
  const { model } = await loadModel(await locateModel(path));
  try {
    const { inputs, target } = (await wholeSplit(split)) as Required<Batch>;
    const outputs = tf.tidy(() =>
      (model.predict(tf.tensor(inputs[0].values, [...inputs[0].shape])) as tf.Tensor2D).arraySync(),
    );
    const labels = [...target.values];
    return {
      loss: outputs.map((row, i) => -Math.log(row[labels[i]])),
      accuracy: outputs.map((row, i) => (row.indexOf(Math.max(...row)) === labels[i] ? 1 : 0)),
    };
  } finally {
    disposeModel(model);
  }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const errorOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
};
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - b[i]);

async function splits() {
  const { model } = await loadModel(await locateModel(twoOfEight().model));
  const fit = fitOf(readGraph(model), undefined);
  disposeModel(model);
  const { data } = twoOfEight();
  return (await readDataset({ path: data as string }, fit, { seed: SEED, retrain: true })).splits;
}

describe('plan.json', () => {
  it('has every field that scripts rely on', () => {
    expect(plan).toMatchObject({
      schema: 'tdc/plan',
      version: 1,
      seed: SEED,
      budget: { kind: 'explained', value: 0.1 },
      confidence: 0.95,
      minimize: 'parameters',
      model: { name: expect.any(String) as string, digest: expect.stringMatching(/^sha256:/) as string },
      data: { examples: { train: 1800, select: 600, report: 600 } },
      loss: { name: 'categoricalCrossentropy', unit: 'nats' },
      metrics: [{ name: 'accuracy', better: 'higher' }],
      tuning: { epochs: 6 },
      planned: { tuned: true },
    });
    const others = ['tool', 'inputs', 'retraining', 'backend', 'control', 'retrained', 'skipped', 'evaluations'];
    expect(Object.keys(plan)).toEqual(expect.arrayContaining(others));
    const figures = [
      'loss',
      'se',
      'metrics',
      'delta',
      'deltaSe',
      'upper95',
      'predicted',
      'tuned',
      'parameters',
      'macs',
      'bytes',
    ];
    for (const point of [plan.planned, ...plan.frontier, plan.feasibility.smallest]) {
      expect(Object.keys(point)).toEqual(expect.arrayContaining(figures));
    }
  });

  it('allows a share of what the original explains on the bounding half', async () => {
    const { select } = await splits();
    const { bounding } = halvesOf(select.size, SEED);
    const rows = subSplit(select, bounding);
    const { loss } = await naive(twoOfEight().model, rows);
    const labels = [...(await wholeSplit(rows)).target!.values];
    const shares = [0, 1, 2].map((label) => labels.filter((one) => one === label).length / labels.length);
    const constant = -shares.reduce((sum, share) => sum + share * Math.log(share), 0);
    expect(plan.budget.allowed).toBeCloseTo(0.1 * (constant - meanOf(loss)), 5);
  });

  it('says what the written model scores on the bounding half, paired with the original', async () => {
    const { select } = await splits();
    const rows = subSplit(select, halvesOf(select.size, SEED).bounding);
    const [original, planned] = await Promise.all([
      naive(twoOfEight().model, rows),
      naive(join(folder, 'whole/compressed'), rows),
    ]);
    expect(Math.abs(plan.original.loss - meanOf(original.loss))).toBeLessThan(ROUNDING);
    expect(Math.abs(plan.original.se - errorOf(original.loss))).toBeLessThan(ROUNDING);
    expect(Math.abs(plan.planned.loss - meanOf(planned.loss))).toBeLessThan(ROUNDING);
    const rise = minus(planned.loss, original.loss);
    expect(Math.abs(plan.planned.delta - meanOf(rise))).toBeLessThan(ROUNDING);
    expect(Math.abs(plan.planned.deltaSe - errorOf(rise))).toBeLessThan(ROUNDING);
    expect(plan.planned.metrics.accuracy).toBeCloseTo(meanOf(planned.accuracy), 9);
  });

  it('says what the written model scores on the report split, per class too', async () => {
    const { report } = await splits();
    const [original, planned] = await Promise.all([
      naive(twoOfEight().model, report),
      naive(join(folder, 'whole/compressed'), report),
    ]);
    const rise = minus(planned.loss, original.loss);
    const told = plan.report;
    expect(Math.abs(told.delta - meanOf(rise))).toBeLessThan(ROUNDING);
    expect(Math.abs(told.deltaSe - errorOf(rise))).toBeLessThan(ROUNDING);
    expect([told.examples, told.reads]).toEqual([600, 1]);
    expect(told.low95).toBeLessThan(told.delta);
    expect(told.upper95).toBeLessThan(told.high95);
    const change = minus(planned.accuracy, original.accuracy);
    expect(told.metrics[0].delta).toBeCloseTo(meanOf(change), 9);
    const labels = [...(await wholeSplit(report)).target!.values];
    expect(told.classes!.map(({ examples, delta }) => [examples, delta.toFixed(6)])).toEqual(
      [0, 1, 2].map((label) => {
        const own = change.filter((_, row) => labels[row] === label);
        return [own.length, meanOf(own).toFixed(6)];
      }),
    );
    const { allowed } = plan.budget;
    const expected =
      told.upper95 <= allowed ? 'confirms' : told.low95 > allowed ? 'contradicts' : 'does not contradict';
    expect(told.verdict).toBe(expected);
  });

  it('costs what the written model costs', async () => {
    const { model } = await loadModel(await locateModel(join(folder, 'whole/compressed')));
    const { parameters, macs, bytes } = plan.planned;
    try {
      const counted = model.weights.reduce((sum, { shape }) => sum + shape.reduce<number>((all, n) => all * n!, 1), 0);
      const kernels = model.layers.filter(({ weights }) => weights.length > 0).map((layer) => layer.weights[0].shape);
      expect(parameters).toBe(counted);
      expect(macs).toBe(kernels.reduce((sum, [rows, cols]) => sum + rows! * cols!, 0));
      expect(bytes).toBe(4 * counted);
    } finally {
      disposeModel(model);
    }
  });

  it('bounds every joint model one-sidedly, 1.6 standard errors off or so', () => {
    for (const { delta, deltaSe, upper95 } of plan.frontier) {
      const z = (upper95 - delta) / deltaSe;
      expect(z).toBeGreaterThan(LEAST_Z);
      expect(z).toBeLessThan(MOST_Z);
    }
  });

  it('plans one of the joint models that were measured, and no holding one is cheaper', () => {
    const { planned, weights, groups, frontier, verdict, budget, evaluations } = plan;
    expect(frontier).toContainEqual({ ...planned, weights, groups });
    expect(evaluations).toBe(frontier.length);
    expect(verdict).toBe(planned.upper95 <= budget.allowed ? 'holds' : 'not resolved');
    expect(plan.feasible).toBe(
      frontier.some(({ delta, parameters }) => delta <= budget.allowed && parameters < plan.original.parameters),
    );
    expect(plan.feasibility.smallest.parameters).toBe(Math.min(...frontier.map(({ parameters }) => parameters)));
  });

  it('names a likely plan only where one is narrower and its mean holds', () => {
    const { likely, planned, budget } = plan;
    // without one, there is nothing to be shown but that the planned one is safe
    expect(likely?.parameters ?? 0).toBeLessThan(planned.parameters);
    expect(likely?.delta ?? planned.delta).toBeLessThanOrEqual(budget.allowed);
  });

  it('cuts select in two halves that share no row', () => {
    const { steering, bounding } = halvesOf(601, SEED);
    expect([steering.length, bounding.length]).toEqual([300, 301]);
    expect(new Set([...steering, ...bounding]).size).toBe(601);
    expect(plan.rows).toEqual({ steering: 300, bounding: 300 });
  });
});

describe('a plan made again', () => {
  it('is taken as it stands, nothing trained or measured, with the same bytes', async () => {
    const before = digests('whole');
    const again = await runRecommend(options('whole'), contextOf(folder));
    expect(stagesOf(again)).toEqual(['retrain reused', 'sweep reused', 'recommend reused']);
    expect(again.plan!.report.reads).toBe(1);
    expect(stagesOf(await runCompress(options('whole', { budget: undefined }), contextOf(folder)))).toEqual([
      'compress reused',
    ]);
    const { 'report.html': _, ...records } = before;
    expect(digests('whole')).toMatchObject(records);
  });

  it('has the same bytes in another folder: records, tuned and compressed weights', async () => {
    await runRecommend(options('twin'), contextOf(folder));
    await runCompress(options('twin'), contextOf(folder));
    const names = ['plan.json', 'candidates.json', 'compress.json', 'compressed', 'tuned'];
    expect(digests('twin', names)).toEqual(digests('whole', names));
  });

  it('for a second budget reuses retraining, sweep and candidates, and counts a second read', async () => {
    cpSync(join(folder, 'whole'), join(folder, 'second'), { recursive: true });
    const second = await runRecommend(options('second', { budget: BUDGETS[1] }), contextOf(folder));
    expect(stagesOf(second)).toEqual(['retrain reused', 'sweep reused', 'candidates reused', 'recommend']);
    expect(second.plan!.report.reads).toBe(2);
    expect(second.plan!.planned.parameters).toBeLessThanOrEqual(plan.planned.parameters);
    const third = await runRecommend(options('second'), contextOf(folder));
    expect(third.plan).toEqual({ ...plan, report: { ...plan.report, reads: 3 } });
  });

  it.each([
    { title: 'candidates that are cut off', name: 'candidates.json', more: { budget: BUDGETS[1] }, made: 'candidates' },
    { title: 'a plan that is cut off', name: 'plan.json', more: {}, made: 'recommend' },
    { title: 'tuned weights that are cut off', name: 'tuned/group1-shard1of1.bin', more: {}, made: 'recommend' },
  ])('makes $title again', async ({ name, more, made }) => {
    rmSync(join(folder, 'damaged'), { recursive: true, force: true });
    cpSync(join(folder, 'whole'), join(folder, 'damaged'), { recursive: true });
    const path = join(folder, 'damaged', name);
    truncateSync(path, Math.floor(statSync(path).size / 2));
    const mended = await runRecommend(options('damaged', more), contextOf(folder));
    expect(stagesOf(mended)).toContain(made);
    expect(digests('damaged', ['candidates.json'])['candidates.json']).toBe(digests('whole')['candidates.json']);
  });

  it.each([
    { title: 'another seed', more: { seed: 4 } },
    { title: 'another p', more: { sampler: 'geometric', p: 0.4 } },
    { title: 'other rows', more: { split: '50/25/25' } },
  ])('makes everything anew for $title', async ({ more }) => {
    rmSync(join(folder, 'other'), { recursive: true, force: true });
    cpSync(join(folder, 'whole'), join(folder, 'other'), { recursive: true });
    const other = await runRecommend(options('other', { ...more, tune: 0 }), contextOf(folder));
    expect(stagesOf(other)).toEqual(['retrain', 'control', 'sweep', 'candidates', 'recommend']);
  });

  it('keeps curves beside it whose weights another retraining made to the same bytes', async () => {
    cpSync(join(folder, 'whole'), join(folder, 'same'), { recursive: true });
    // the uniform sampler has no p
    const same = await runRecommend(options('same', { p: 0.4 }), contextOf(folder));
    expect(stagesOf(same)).toContain('sweep reused');
    expect(same.sweep!.retraining).toBe(same.plan!.retraining);
    expect(same.plan!.retraining).not.toBe(plan.retraining);
    rmSync(join(folder, 'same/compressed'), { recursive: true });
    expect(stagesOf(await compressTo('same'))).toEqual(['compress']);
  });

  it('stands beside the plan of another run, told by its folder or its file', async () => {
    const baseline = join(folder, 'second/plan.json');
    const beside = await runRecommend(options('whole', { baseline }), contextOf(folder));
    const { planned, budget, groups, verdict } = JSON.parse(readFileSync(baseline, 'utf8')) as PlanRecord;
    expect(stagesOf(beside)).toContain('recommend reused');
    expect(beside.plan!.baseline).toMatchObject({ planned, budget, groups, verdict });
    const { plan: without } = await runRecommend(options('whole'), contextOf(folder));
    expect(without).toEqual(plan);
  });
});

const compressTo = (out: string): Promise<RunResult> =>
  runCompress(options(out, { budget: undefined }), contextOf(folder));
const copy = (out: string): void => cpSync(join(folder, 'whole'), join(folder, out), { recursive: true });

describe('a compression', () => {
  it("is made again where another plan's model stands in its place", async () => {
    copy('swapped');
    const path = join(folder, 'swapped/compressed/model.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
      userDefinedMetadata: { taildropout: { inputs: string } };
    };
    manifest.userDefinedMetadata.taildropout.inputs = 'sha256:another';
    writeFileSync(path, JSON.stringify(manifest));
    expect(stagesOf(await compressTo('swapped'))).toEqual(['compress']);
    expect(digests('swapped', ['compressed'])).toEqual(digests('whole', ['compressed']));
  });

  it.each([
    { title: 'retrained', gone: 'ordered' },
    { title: 'tuned', gone: 'tuned' },
  ])('says so where the $title weights are gone, and writes nothing', async ({ gone }) => {
    rmSync(join(folder, 'gone'), { recursive: true, force: true });
    copy('gone');
    for (const name of [gone, 'compressed', 'compress.json']) rmSync(join(folder, 'gone', name), { recursive: true });
    await expect(compressTo('gone')).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringMatching(/weights .* not in the run folder any more/) as string,
      hint: expect.stringContaining('tdc recommend') as string,
    });
    expect(readdirSync(join(folder, 'gone'))).not.toContain('compressed');
    expect(readdirSync(join(folder, 'gone'))).not.toContain('compress.json');
  });

  it('is refused where the plan in the folder is of other rows', async () => {
    copy('rows');
    await expect(
      runCompress(options('rows', { budget: undefined, split: '50/25/25' }), contextOf(folder)),
    ).rejects.toMatchObject({ exitCode: 2 });
  });
});
