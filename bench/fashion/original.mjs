// An MLP 784-256-128-64-10 for Fashion-MNIST, trained on the rows that `tdc` cuts as train from the t10k files.
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { startBackend } from '../../dist/backend/index.js';
import { readDataset } from '../../dist/data/dataset.js';
import { measureRows } from '../../dist/evaluate/measure.js';
import { readGraph } from '../../dist/graph/index.js';
import { disposeModel, writeModel } from '../../dist/model/index.js';
import { inferObjective } from '../../dist/objective/infer.js';
import { mean, standardError } from '../../dist/objective/stats.js';
import { fitOf } from '../../dist/pipeline/fit.js';
import { createRandom, deriveSeed } from '../../dist/random/index.js';

/** Debian's dataset-fashion-mnist, its t10k files. */
export const DATA = join(process.env.SHARED_DIR ?? join(import.meta.dirname, '../../../shared'), 'data/fashion-mnist');
export const SEED = 0;
const WIDTHS = [256, 128, 64];
/** As the tool trains: its batch size, Adam's own rate; weights start as tfjs starts them. */
const TRAINING = { epochs: 10, batchSize: 128, learningRate: 1e-3 };

/** Trains the model on the train rows and writes it. */
export async function trainOriginal(path, log) {
  const backend = await startBackend({ backend: 'wasm' });
  const model = mlp();
  const { splits, objective } = await dataFor(model);
  const { x, y } = await tensorsOf(splits.train);
  model.compile({ optimizer: tf.train.adam(TRAINING.learningRate), loss: 'sparseCategoricalCrossentropy' });
  const order = createRandom(deriveSeed(SEED, 'original'));
  for (let epoch = 0; epoch < TRAINING.epochs; epoch++) {
    const rows = order.permutation(splits.train.size);
    for (let at = 0; at < rows.length; at += TRAINING.batchSize) {
      const index = tf.tensor1d(rows.slice(at, at + TRAINING.batchSize), 'int32');
      const batch = [tf.gather(x, index), tf.gather(y, index)];
      await model.trainOnBatch(...batch);
      tf.dispose([index, ...batch]);
    }
  }
  tf.dispose([x, y]);
  const { program } = readGraph(model);
  const full = await measureRows(program, { objective, split: splits.select, batchSize: 500, reference: program });
  const [loss, se, accuracy] = [mean(full.loss), standardError(full.loss), mean(full.metrics.accuracy)];
  log(
    `${splits.train.size} train rows, ${splits.select.size} select rows; original ${loss.toFixed(4)} nats (se ${se.toFixed(4)}), accuracy ${accuracy.toFixed(4)}`,
  );
  await writeModel(model, path, {});
  disposeModel(model);
  await backend.dispose();
  return { path };
}

function mlp() {
  const seeds = createRandom(deriveSeed(SEED, 'weights'));
  const dense = (name, units, more) => {
    const kernelInitializer = tf.initializers.glorotNormal({ seed: seeds.integer(2 ** 30) });
    return tf.layers.dense({ name, units, kernelInitializer, ...more });
  };
  const hidden = WIDTHS.map((units, i) =>
    dense(`hidden_${i + 1}`, units, { activation: 'relu', ...(i === 0 ? { inputShape: [784] } : {}) }),
  );
  return tf.sequential({ layers: [...hidden, dense('output', 10, { activation: 'softmax' })] });
}

export async function dataFor(model) {
  const fit = fitOf(readGraph(model));
  const { splits, target } = await readDataset(DATA, fit, { seed: SEED, retrain: true });
  return { splits, objective: inferObjective({ target: target.kind, activation: 'softmax', units: 10 }) };
}

async function tensorsOf(split) {
  const { inputs, target } = await split.read(Int32Array.from({ length: split.size }, (_, i) => i));
  return { x: tf.tensor(inputs[0].values, inputs[0].shape), y: tf.tensor1d(target.values, 'float32') };
}
