// TailDropout against tf.layers.dropout: a training call on [1024, 512], forward, and forward with gradient.
// Both run in the same process, in turn, on the same tensor; the figure is the median.
import * as tf from '@tensorflow/tfjs';

import { startBackend } from '../dist/backend/index.js';
import { tailDropout } from '../dist/layers/index.js';

const SHAPE = [1024, 512];
const RATE = 0.2;
const ROUNDS = 60;
const WARM_UP = 10;

/**
 * @param {{print: (figure: {name: string, ours: number, peer: number, peerName: string, unit: string, ratio: number}) => void,
 *   log?: (line: string) => void}} io ratio = ours / peer: below 1, ours is faster
 * @returns the figures printed
 */
export async function run({ print, log = () => {} }) {
  const figures = [];
  for (const backend of ['wasm', 'tensorflow']) {
    if (!(await useBackend(backend))) {
      log(`taildropout: ${backend} does not load here, left out`);
      continue;
    }
    for (const figure of measureBackend(backend)) {
      figures.push(figure);
      print(figure);
    }
  }
  return figures;
}

/** Starts a backend as `tdc` does; false where its package is not there. */
async function useBackend(name) {
  try {
    await startBackend({ backend: name });
    return true;
  } catch {
    return false;
  }
}

function measureBackend(backend) {
  const x = tf.randomNormal(SHAPE, 0, 1, 'float32', 1);
  const [ours, peer] = [tailDropout({ p: RATE }), tf.layers.dropout({ rate: RATE })];
  const forward = (layer) => () => layer.apply(x, { training: true });
  const step = (layer) => {
    const gradient = tf.grad((h) => layer.apply(h, { training: true }));
    return () => gradient(x);
  };
  const figures = [
    figure(`taildropout-forward/${backend}`, alternate(forward(ours), forward(peer))),
    figure(`taildropout-step/${backend}`, alternate(step(ours), step(peer))),
  ];
  x.dispose();
  return figures;
}

/** Milliseconds of each of two functions, called in turn so that a slow moment of the machine hits both. */
function alternate(a, b) {
  const times = [[], []];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [i, run] of [a, b].entries()) {
      const start = performance.now();
      const y = run();
      y.dataSync();
      y.dispose();
      if (round >= 0) times[i].push(performance.now() - start);
    }
  }
  return times;
}

function figure(name, [ours, peer]) {
  const [a, b] = [median(ours), median(peer)];
  return { name, ours: round(a), peer: round(b), peerName: 'tf.layers.dropout', unit: 'ms', ratio: round(a / b) };
}

function median(times) {
  const sorted = times.toSorted((p, q) => p - q);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function round(value) {
  return Number(value.toPrecision(4));
}
