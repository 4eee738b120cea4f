import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import {
  buildUnitBasis,
  collectUnitStatistics,
  UNIT_BASES,
  unitScores,
  type UnitStatistics,
} from '../../src/bases/index.js';
import type { HostArray } from '../../src/data/types.js';
import { readGraph } from '../../src/graph/index.js';
import type { ModelGraph, WidthGroup } from '../../src/graph/types.js';
import { maxDifference } from './linalg/oracles.js';
import { normal, regression, scramble, selfTaught, sequential, take, weightsOf } from './models.js';

/** float32 sums over a few dozen rows. */
const FLOAT32 = 1e-5;
/** Central differences of a float32 loss, step 1e-2. */
const DIFFERENCES = 2e-3;
const ROWS = 23;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'cpu' });
});
afterAll(() => backend.dispose());

interface Case {
  readonly model: tf.LayersModel;
  readonly graph: ModelGraph;
  readonly group: WidthGroup;
  readonly statistics: UnitStatistics;
  readonly x: HostArray;
  readonly y: HostArray;
}

async function caseOf(model: tf.LayersModel, name: string, shape: readonly number[], units: number): Promise<Case> {
  const graph = readGraph(model);
  const x = normal([ROWS, ...shape], 1);
  const { split, objective } = regression(x, units, 2);
  const found = await collectUnitStatistics(graph, { split, objective, seed: 0, batchSize: 10 });
  const group = graph.groups.find((candidate) => candidate.name === name)!;
  return { model, graph, group, statistics: found.get(name)!, x, y: normal([ROWS, units], 2) };
}

const mlp = (): tf.LayersModel =>
  sequential(
    tf.layers.dense({ name: 'hidden', units: 6, activation: 'tanh', inputShape: [4] }),
    tf.layers.dense({ name: 'last', units: 2 }),
  );

const cnn = (): tf.LayersModel =>
  sequential(
    tf.layers.conv2d({ name: 'conv', filters: 4, kernelSize: 2, activation: 'relu', inputShape: [5, 4, 2] }),
    tf.layers.flatten(),
    tf.layers.dense({ name: 'last', units: 2 }),
  );

const lstm = (): tf.LayersModel =>
  sequential(
    tf.layers.lstm({ name: 'lstm', units: 3, inputShape: [4, 2] }),
    tf.layers.dense({ name: 'last', units: 2 }),
  );

/** One trunk that two heads read, and that is flattened on the way to neither. */
function forked(): tf.LayersModel {
  const input = tf.input({ shape: [4] });
  const trunk = tf.layers.dense({ name: 'trunk', units: 5, activation: 'tanh' }).apply(input) as tf.SymbolicTensor;
  const heads = ['left', 'right'].map((name) => tf.layers.dense({ name, units: 2 }).apply(trunk) as tf.SymbolicTensor);
  const outputs = tf.layers.add({}).apply(heads) as tf.SymbolicTensor;
  return scramble(tf.model({ inputs: input, outputs }));
}

/** Losses of the rows, squared error averaged over the units, in float64. */
function losses({ model, x, y }: Case): number[] {
  const out = take(model.predict(tf.tensor(x.values, [...x.shape])) as tf.Tensor);
  const units = y.shape[1];
  return Array.from({ length: ROWS }, (_, row) =>
    out
      .slice(row * units, (row + 1) * units)
      .reduce((sum, f, u) => sum + (f - y.values[row * units + u]) ** 2 / units, 0),
  );
}

/** Scales what reads a unit: rows of kernels, given by layer, weight, and which of its first-axis rows belong to the unit. */
type Rows = readonly { readonly layer: string; readonly weight: number; readonly belongs: (row: number) => boolean }[];

function withScaled<T>(each: Case, rows: Rows, scale: number, body: () => T): T {
  const before = each.model.getWeights().map((weight) => weight.clone());
  for (const { layer, weight, belongs } of rows) {
    const target = each.model.getLayer(layer);
    const weights = target.getWeights();
    const { shape } = weights[weight];
    const width = shape.slice(1).reduce((all, n) => all * n, 1);
    const values = Float32Array.from(weights[weight].dataSync(), (value, at) =>
      belongs(Math.floor(at / width)) ? value * scale : value,
    );
    target.setWeights(weights.map((old, i) => (i === weight ? tf.tensor(values, shape) : old)));
  }
  const result = body();
  each.model.setWeights(before);
  tf.dispose(before);
  return result;
}

describe('collectUnitStatistics', () => {
  it('gives mean and variance of every unit, whatever the chunks', async () => {
    const each = await caseOf(mlp(), 'hidden', [4], 2);
    const h = take(each.model.layers[0].apply(tf.tensor(each.x.values, [ROWS, 4])) as tf.Tensor);
    const column = (unit: number): number[] => h.filter((_, at) => at % 6 === unit);
    const mean = Array.from({ length: 6 }, (_, unit) => column(unit).reduce((sum, value) => sum + value, 0) / ROWS);
    const square = mean.map((_, unit) => column(unit).reduce((sum, value) => sum + value ** 2, 0) / ROWS);
    const [point] = each.statistics.points;
    expect(each.statistics).toMatchObject({ group: 'hidden', n: 6, rows: ROWS });
    expect(maxDifference(point.mean, mean)).toBeLessThan(FLOAT32);
    expect(maxDifference(point.meanSquare, square)).toBeLessThan(FLOAT32);
    expect(
      maxDifference(
        point.variance,
        square.map((value, unit) => value - mean[unit] ** 2),
      ),
    ).toBeLessThan(FLOAT32);
  });

  it('takes all positions of a channel together, before and behind a Flatten alike', async () => {
    const each = await caseOf(cnn(), 'conv', [5, 4, 2], 2);
    const h = take(each.model.layers[0].apply(tf.tensor(each.x.values, [ROWS, 5, 4, 2])) as tf.Tensor);
    const mean = [0, 1, 2, 3].map(
      (c) => (h.filter((_, at) => at % 4 === c).reduce((sum, v) => sum + v, 0) * 4) / h.length,
    );
    expect(maxDifference(each.statistics.points[0].mean, mean)).toBeLessThan(FLOAT32);
  });

  it.each([
    {
      title: 'a Dense',
      make: mlp,
      group: 'hidden',
      shape: [4],
      rows: (unit: number): Rows => [{ layer: 'last', weight: 0, belongs: (row) => row === unit }],
    },
    {
      title: 'a convolution behind a Flatten',
      make: cnn,
      group: 'conv',
      shape: [5, 4, 2],
      rows: (unit: number): Rows => [{ layer: 'last', weight: 0, belongs: (row) => row % 4 === unit }],
    },
    {
      title: 'two readers of one trunk',
      make: forked,
      group: 'trunk',
      shape: [4],
      rows: (unit: number): Rows =>
        ['left', 'right'].map((layer) => ({ layer, weight: 0, belongs: (row) => row === unit })),
    },
    {
      title: 'an LSTM that reads its own state',
      make: lstm,
      group: 'lstm',
      shape: [4, 2],
      rows: (unit: number): Rows => [
        { layer: 'last', weight: 0, belongs: (row) => row === unit },
        { layer: 'lstm', weight: 1, belongs: (row) => row === unit },
      ],
    },
  ])(
    'gives taylor as central differences of everything that reads the unit: $title',
    async ({ make, group, shape, rows }) => {
      const each = await caseOf(make(), group, shape, 2);
      const step = 1e-2;
      const wanted = Array.from({ length: each.group.n }, (_, unit) => {
        const up = withScaled(each, rows(unit), 1 + step, () => losses(each));
        const down = withScaled(each, rows(unit), 1 - step, () => losses(each));
        return up.reduce((sum, loss, row) => sum + Math.abs(loss - down[row]) / (2 * step), 0) / ROWS;
      });
      expect(maxDifference(each.statistics.taylor!, wanted)).toBeLessThan(DIFFERENCES * Math.max(1, ...wanted));
      expect(Math.min(...wanted)).toBeGreaterThan(0);
    },
  );

  it('finds gradients with target self, where those of the data’s own labels vanish', async () => {
    const model = sequential(
      tf.layers.dense({ name: 'hidden', units: 4, activation: 'relu', inputShape: [3] }),
      tf.layers.dense({ units: 3, activation: 'softmax' }),
    );
    const options = { ...selfTaught(normal([ROWS, 3], 3), 3), seed: 1 };
    const found = (await collectUnitStatistics(readGraph(model), options)).get('hidden')!;
    expect(Math.max(...found.taylor!)).toBeGreaterThan(0.01);
    expect(await collectUnitStatistics(readGraph(model), options)).toEqual(new Map([['hidden', found]]));
  });

  it('leaves the backward pass out when nobody asks for it, and groups too', async () => {
    const model = sequential(
      tf.layers.dense({ name: 'a', units: 4, inputShape: [3] }),
      tf.layers.dense({ name: 'b', units: 4 }),
      tf.layers.dense({ name: 'c', units: 2 }),
    );
    const options = { ...regression(normal([ROWS, 3], 3), 2), seed: 1, gradients: false, groups: ['b'] };
    const found = await collectUnitStatistics(readGraph(model), options);
    expect([...found.keys()]).toEqual(['b']);
    expect(found.get('b')!.taylor).toBeNull();
  });

  it('leaves no tensors, tells its progress, and stops where the pause throws', async () => {
    const model = cnn();
    const graph = readGraph(model);
    const before = tf.memory().numTensors;
    const progress: number[][] = [];
    const data = regression(normal([ROWS, 5, 4, 2], 1), 2);
    const options = { ...data, seed: 0, batchSize: 10, onProgress: (...at: number[]) => void progress.push(at) };
    await collectUnitStatistics(graph, options);
    expect(progress).toEqual([
      [10, ROWS],
      [20, ROWS],
      [ROWS, ROWS],
    ]);
    const stopped = collectUnitStatistics(graph, { ...options, pause: () => Promise.reject(new Error('stop')) });
    await expect(stopped).rejects.toThrow('stop');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses data without rows, and activations that are not finite, by name', async () => {
    const graph = readGraph(mlp());
    const empty = collectUnitStatistics(graph, { ...regression(normal([0, 4], 1), 2), seed: 0 });
    await expect(empty).rejects.toThrow(/there are none/);
    const x = { shape: [1, 4], values: Float32Array.of(NaN, 1, 1, 1) };
    const broken = collectUnitStatistics(graph, { ...regression(x, 2), seed: 0 });
    await expect(broken).rejects.toThrow(/Group "hidden" has an activation or a gradient that is not finite/);
  });
});

describe('buildUnitBasis', () => {
  it('orders every group by every basis: each unit once', async () => {
    const each = await caseOf(mlp(), 'hidden', [4], 2);
    for (const name of UNIT_BASES) {
      const { order } = buildUnitBasis(name, each.graph, each.group, { statistics: each.statistics });
      expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  it('keeps the order that retraining gave for tail, and draws another for each seed of random', async () => {
    const { graph, group } = await caseOf(mlp(), 'hidden', [4], 2);
    expect([...buildUnitBasis('tail', graph, group).order]).toEqual([0, 1, 2, 3, 4, 5]);
    const draw = (seed: number): number[] => [...buildUnitBasis('random', graph, group, { seed }).order];
    expect(draw(1)).toEqual(draw(1));
    expect(new Set([1, 2, 3, 4].map((seed) => draw(seed).join())).size).toBeGreaterThan(1);
  });

  it('orders by falling score, equal scores as they stand', async () => {
    const { graph, group, statistics } = await caseOf(mlp(), 'hidden', [4], 2);
    const taylor = Float64Array.of(1, 3, 1, 5, 3, 0);
    expect([...buildUnitBasis('taylor', graph, group, { statistics: { ...statistics, taylor } }).order]).toEqual([
      3, 1, 4, 0, 2, 5,
    ]);
  });

  it('magnitude is the rms times the norm of the rows that read the unit', async () => {
    const each = await caseOf(mlp(), 'hidden', [4], 2);
    const [kernel] = weightsOf(each.model, 'last');
    const wanted = [...each.statistics.points[0].meanSquare].map(
      (square, unit) => Math.sqrt(square) * Math.hypot(kernel[2 * unit], kernel[2 * unit + 1]),
    );
    expect(maxDifference(unitScores('magnitude', each.graph, each.group, each.statistics), wanted)).toBeLessThan(
      FLOAT32,
    );
  });

  it('magnitude counts all rows of a channel that a Flatten spread', async () => {
    const each = await caseOf(cnn(), 'conv', [5, 4, 2], 2);
    const [kernel] = weightsOf(each.model, 'last');
    const wanted = [0, 1, 2, 3].map((unit) => {
      const square = kernel.reduce((sum, value, at) => sum + (Math.floor(at / 2) % 4 === unit ? value ** 2 : 0), 0);
      return Math.sqrt(each.statistics.points[0].meanSquare[unit] * square);
    });
    expect(maxDifference(unitScores('magnitude', each.graph, each.group, each.statistics), wanted)).toBeLessThan(
      FLOAT32,
    );
  });

  it.each([
    // in the order of the tail points: what reads there, as layer and weight
    {
      title: 'two heads',
      make: forked,
      name: 'trunk',
      shape: [4],
      points: ['before left', 'before right'],
      readers: [
        ['left', 0],
        ['right', 0],
      ],
    },
    {
      title: 'an LSTM',
      make: lstm,
      name: 'lstm',
      shape: [4, 2],
      points: ['inside lstm', 'before last'],
      readers: [
        ['lstm', 1],
        ['last', 0],
      ],
    },
  ] as const)(
    'sums over tail points, each with the weights that read there: $title',
    async ({ make, name, shape, points, readers }) => {
      const each = await caseOf(make(), name, shape, 2);
      const { n, tailPoints } = each.group;
      expect(tailPoints.map((point) => point.name)).toEqual(points);
      const norm = ([layer, weight]: readonly [string, number], unit: number): number => {
        const kernel = weightsOf(each.model, layer)[weight];
        const width = kernel.length / n;
        return Math.hypot(...kernel.slice(unit * width, (unit + 1) * width));
      };
      const wanted = Array.from({ length: n }, (_, unit) =>
        each.statistics.points.reduce(
          (sum, point, i) => sum + Math.sqrt(point.meanSquare[unit]) * norm(readers[i], unit),
          0,
        ),
      );
      expect(maxDifference(unitScores('magnitude', each.graph, each.group, each.statistics), wanted)).toBeLessThan(
        FLOAT32,
      );
      const variance = each.statistics.points.reduce((sum, point) => sum + point.variance[0], 0);
      expect(unitScores('variance', each.graph, each.group, each.statistics)[0]).toBeCloseTo(variance, 10);
    },
  );

  it('refuses a basis without its statistics, and one that nobody knows', async () => {
    const { graph, group, statistics } = await caseOf(mlp(), 'hidden', [4], 2);
    expect(() => buildUnitBasis('variance', graph, group)).toThrow(/"variance" needs statistics of the group "hidden"/);
    expect(() => buildUnitBasis('taylor', graph, group, { statistics: { ...statistics, taylor: null } })).toThrow(
      /taylor/,
    );
    expect(() => buildUnitBasis('best' as 'taylor', graph, group, { statistics })).toThrow(/no unit basis "best"/);
  });
});
