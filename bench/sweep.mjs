// Sweeps against the naive loop (one whole forward pass a width): MLP 784-512-256-128-10 at N = 10,000, all 896 widths and the
// default grid, against PyTorch; CNN 28x28 conv32-64-128-dense128-10 at N = 2,000 against the same loop in tfjs on the same backend.
import { spawnSync } from 'node:child_process';

import * as tf from '@tensorflow/tfjs';

import { startBackend } from '../dist/backend/index.js';
import { readGraph } from '../dist/graph/index.js';
import { inferObjective } from '../dist/objective/infer.js';
import { createRandom } from '../dist/random/index.js';
import { sweep, SWEEP_DEFAULTS } from '../dist/sweep/sweep.js';

/** Widths of the naive loops that are timed; the rest is scaled. */
const SAMPLE = 32;
const objective = inferObjective({ target: 'classes', activation: 'softmax', units: 10 });

/** @param {{print: (figure: object) => void, log: (text: string) => void}} out */
export async function run({ print, log }) {
  const torch = torchNaive();
  if (torch === null) log('PyTorch is missing (python3 with torch): the MLP has no peer.');
  for (const backend of ['tensorflow', 'wasm']) {
    let started;
    try {
      started = await startBackend({ backend });
    } catch (error) {
      log(`${backend} is left out: ${error.message}`);
      continue;
    }
    await benchMlp(backend, torch, { print, log });
    await benchCnn(backend, { print, log });
    await started.dispose();
  }
  log(`peak memory ${(process.resourceUsage().maxRSS / 1024 ** 2).toFixed(2)} GiB`);
}

async function benchMlp(backend, torch, { print }) {
  const graph = readGraph(mlp());
  const split = randomSplit([784], 10_000);
  const peer = torch === null ? {} : { peer: torch.seconds, peerName: torch.name };
  await seconds(graph, split, { grid: 4 });
  print({ name: `sweep-mlp-exact/${backend}`, ours: await seconds(graph, split, { exact: true }), ...peer, unit: 's' });
  print({
    name: `sweep-mlp-default/${backend}`,
    ours: await medianOf5(() => seconds(graph, split, {})),
    ...peer,
    unit: 's',
  });
}

/** Half a second is short enough for one collection of garbage to show. */
async function medianOf5(measure) {
  const times = [];
  for (let i = 0; i < 5; i++) times.push(await measure());
  return times.sort((a, b) => a - b)[2];
}

async function benchCnn(backend, { print }) {
  const graph = readGraph(cnn());
  const split = randomSplit([28, 28, 1], 2000);
  await seconds(graph, split, { grid: 2, groups: [graph.groups.at(-1).name] });
  const ours = await seconds(graph, split, {});
  const { time, widths } = await naiveTfjs(graph, split);
  const peerName = `tfjs naive, every width, ${backend} (${SAMPLE} of ${widths} widths, scaled)`;
  print({ name: `sweep-cnn-default/${backend}`, ours, peer: time, peerName, unit: 's' });
}

async function seconds(graph, split, options) {
  const start = performance.now();
  await sweep({ original: graph }, { ...SWEEP_DEFAULTS, ...options, objective, split });
  return (performance.now() - start) / 1000;
}

/** One masked forward pass of the whole model a width, 500 rows at a time, losses on the backend. */
async function naiveTfjs({ model, groups }, split) {
  const { inputs, target } = await split.read(Int32Array.from({ length: split.size }, (_, i) => i));
  const names = groups.map(({ producers }) => producers[0]);
  const widths = groups.reduce((total, { n }) => total + n, 0);
  let chosen = 0;
  const start = performance.now();
  for (let i = 0; i < SAMPLE; i++) {
    const group = i % groups.length;
    const k = 1 + Math.floor((groups[group].n * Math.floor(i / groups.length)) / (SAMPLE / groups.length));
    chosen++;
    for (let at = 0; at < split.size; at += 500) {
      tf.tidy(() => {
        const size = inputs[0].values.length / split.size;
        let value = tf.tensor(inputs[0].values.subarray(at * size, (at + 500) * size), [
          500,
          ...inputs[0].shape.slice(1),
        ]);
        for (const layer of model.layers) {
          value = layer.apply(value);
          if (layer.name === names[group]) value = tf.mul(value, mask(value.shape.at(-1), k));
        }
        const hot = tf.oneHot(tf.tensor1d(target.values.subarray(at, at + 500), 'int32'), 10);
        tf.neg(tf.mean(tf.sum(tf.mul(hot, tf.log(value)), -1))).dataSync();
      });
    }
  }
  return { time: ((performance.now() - start) / 1000 / chosen) * widths, widths };
}

function mask(n, k) {
  return tf.tensor1d(Float32Array.from({ length: n }, (_, unit) => Number(unit < k)));
}

function dense(units, more) {
  return tf.layers.dense({ units, activation: 'relu', ...more });
}

function conv(filters, more) {
  return tf.layers.conv2d({ filters, kernelSize: 3, padding: 'same', activation: 'relu', ...more });
}

function mlp() {
  return tf.sequential({
    layers: [dense(512, { inputShape: [784] }), dense(256), dense(128), dense(10, { activation: 'softmax' })],
  });
}

function cnn() {
  const model = tf.sequential();
  [32, 64, 128].forEach((filters, i) => {
    model.add(conv(filters, i === 0 ? { inputShape: [28, 28, 1] } : {}));
    model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
  });
  model.add(tf.layers.flatten());
  model.add(dense(128));
  model.add(dense(10, { activation: 'softmax' }));
  return model;
}

function randomSplit(shape, rows) {
  const random = createRandom(1);
  const size = shape.reduce((product, n) => product * n, 1);
  const x = Float32Array.from({ length: rows * size }, () => random.uniform());
  const y = Int32Array.from({ length: rows }, () => random.integer(10));
  return {
    size: rows,
    // rows are asked for in order
    read: async (order) => {
      const [from, to] = [order[0], order.at(-1) + 1];
      const inputs = [{ shape: [order.length, ...shape], values: x.subarray(from * size, to * size) }];
      return { size: order.length, inputs, target: { shape: [order.length], values: y.subarray(from, to) } };
    },
  };
}

/** Seconds of PyTorch's naive loop over all 896 widths, from a sample of 32; the faster of one and two BLAS threads. */
function torchNaive() {
  const script = `
import time, torch, torch.nn.functional as F
sizes=[784,512,256,128,10]; N=10000
W=[torch.randn(a,b)/a**.5 for a,b in zip(sizes,sizes[1:])]; x=torch.rand(N,784); y=torch.randint(0,10,(N,))
def loss(layer,k):
    h=x
    for i,w in enumerate(W):
        h=h@w
        if i<3:
            h=torch.relu(h)
            if i==layer: h=h*(torch.arange(h.shape[1])<k).float()
    return F.cross_entropy(h,y).item()
with torch.no_grad():
    loss(0,5)
    jobs=[(l,1+(n-1)*i//max(1,c-1)) for l,n,c in ((0,512,18),(1,256,9),(2,128,5)) for i in range(c)]
    t=time.time()
    for l,k in jobs: loss(l,k)
    print((time.time()-t)/len(jobs)*896)
`;
  const timed = ['1', '2'].flatMap((threads) =>
    ['/usr/bin/python3', 'python3'].slice(0, 2).flatMap((python) => {
      const env = { ...process.env, OPENBLAS_NUM_THREADS: threads };
      const { status, stdout } = spawnSync(python, ['-c', script], { env, encoding: 'utf8' });
      return status === 0
        ? [{ seconds: Number(stdout), name: `PyTorch naive, ${threads} BLAS threads (32 of 896 widths, scaled)` }]
        : [];
    }),
  );
  return timed.sort((a, b) => a.seconds - b.seconds)[0] ?? null;
}
