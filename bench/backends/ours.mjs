// One backend's side of bench/backends.mjs, in a process of its own: reads "NAME COUNT" lines, answers with the milliseconds of COUNT runs as JSON.
import { createInterface } from 'node:readline';

import * as tf from '@tensorflow/tfjs';

import { startBackend } from '../../dist/backend/index.js';
import { trainingLoss } from '../../dist/objective/training.js';

const BATCH = 128;
const OBJECTIVE = { loss: 'categoricalCrossentropy', link: 'softmax' };
const { info, createAdam, dispose } = await startBackend({ backend: process.argv[2] });
const [a, b] = [tf.randomNormal([1024, 1024], 0, 1, 'float32', 1), tf.randomNormal([1024, 1024], 0, 1, 'float32', 2)];
const RUNS = {
  'matmul-1024': () => product(false),
  'matmul-1024-transposed': () => product(true),
  'mlp-step': trainingStep(mlp(), [BATCH, 784]),
  'cnn-step': trainingStep(cnn(), [BATCH, 28, 28, 1]),
};

console.log(JSON.stringify(info));
for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(' ');
  const times = Array.from({ length: Number(count) }, () => {
    const start = performance.now();
    RUNS[name]();
    return performance.now() - start;
  });
  console.log(JSON.stringify(times));
}
await dispose();

function product(transposeA) {
  tf.matMul(a, b, transposeA, false).dispose();
}

function mlp() {
  const hidden = [512, 256, 128].map((units, i) =>
    tf.layers.dense({ units, activation: 'relu', ...(i === 0 ? { inputShape: [784] } : {}) }),
  );
  return tf.sequential({ layers: [...hidden, tf.layers.dense({ units: 10 })] });
}

function cnn() {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 128, activation: 'relu' }),
      tf.layers.dense({ units: 10 }),
    ],
  });
}

/** Forward, backward and an Adam step with the loss that tdc trains with; the loss is read, as it is from PyTorch. */
function trainingStep(model, shape) {
  const x = tf.randomNormal(shape, 0, 1, 'float32', 3);
  const y = tf.tidy(() => tf.oneHot(tf.randomUniform([BATCH], 0, 10, 'int32', 4), 10, 1, 0, 'float32'));
  const optimizer = createAdam(1e-3);
  const weights = model.trainableWeights.map((weight) => weight.read());
  return () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => trainingLoss(OBJECTIVE, model.apply(x, { training: true }), y),
        weights,
      );
      optimizer.applyGradients(grads);
      return value.dataSync()[0];
    });
}
