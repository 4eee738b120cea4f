import type * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import {
  buildRankBasis,
  buildUnitBasis,
  collectKernelStatistics,
  collectUnitStatistics,
  kernelMatrix,
  kernelsOf,
  RANK_BASES,
  rankBasisRefusal,
  rankSelectors,
  truncateKernel,
  UNIT_BASES,
  type KernelInfo,
  type KernelStatistics,
  type RankBasisName,
} from '../../src/bases/index.js';
import { finalActivations, readGraph } from '../../src/graph/index.js';
import type { ModelGraph } from '../../src/graph/types.js';
import { inferObjective } from '../../src/objective/infer.js';
import { splitOf } from '../evaluate-helpers.js';
import { loadShared, MODELS, randomInputs } from '../graph/models.js';
import { maxDifference } from './linalg/oracles.js';

/** Factors are stored as float32; K-FAC's inverse roots stretch them by up to a few hundred. */
const FLOAT32 = 1e-3;
const ROWS = 6;
/** Larger kernels are left to the slow tests. */
const PRODUCTS = 256 ** 3;

let backend: StartedBackend;
beforeAll(async () => {
  backend = await startBackend({ backend: 'wasm' });
});
afterAll(() => backend.dispose());

function optionsOf(model: tf.LayersModel, graph: ModelGraph) {
  const inputs = randomInputs(model, ROWS, 1).map((tensor) => {
    const array = { shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) };
    tensor.dispose();
    return array;
  });
  const units = graph.program.values[graph.program.outputs[0]].shape.at(-1) ?? 1;
  const activation = finalActivations(graph.program)[0]?.activation ?? 'linear';
  return {
    split: splitOf(inputs),
    objective: inferObjective({ target: 'self', activation, units }),
    seed: 0,
    batchSize: 4,
  };
}

/** Relative error of the kernel at full rank, with its spectrum's rules tried on the way. */
function fullRankError(name: RankBasisName, kernel: KernelInfo, statistics: KernelStatistics | undefined): number {
  const basis = buildRankBasis(name, kernel, statistics);
  if (name === 'svd') rankSelectors(basis.values, kernel);
  const wanted = kernelMatrix(kernel).values;
  const scale = wanted.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
  return maxDifference(truncateKernel(basis, basis.n).kernel, wanted) / scale;
}

describe.skipIf(MODELS.length === 0)('the shared models', () => {
  it.each(MODELS)('%s: every basis of every group and kernel, or a reason', async (name) => {
    const model = await loadShared(name);
    const graph = readGraph(model);
    const options = optionsOf(model, graph);
    const units = await collectUnitStatistics(graph, options);
    const orders = graph.groups.flatMap((group) =>
      UNIT_BASES.map((basis) => buildUnitBasis(basis, graph, group, { statistics: units.get(group.name)! }).order),
    );
    expect(orders.filter((order) => new Set(order).size !== order.length)).toEqual([]);
    const layers = kernelsOf(graph).filter(({ rows, cols }) => rows * cols * Math.min(rows, cols) <= PRODUCTS);
    const { kernels, skipped } = await collectKernelStatistics(graph, {
      ...options,
      layers: layers.map(({ layer }) => layer),
    });
    expect(kernels.size + skipped.length).toBe(layers.length);
    for (const kernel of layers) {
      const statistics = kernels.get(kernel.layer);
      for (const basis of RANK_BASES) {
        const had = rankBasisRefusal(basis, kernel, statistics) === null;
        expect(had ? fullRankError(basis, kernel, statistics) : 0, `${kernel.layer} ${basis}`).toBeLessThan(FLOAT32);
      }
    }
    model.dispose();
  });
});
