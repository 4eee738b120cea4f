// What ordering by training is worth, on an MLP 784-256-128-64-10 for Fashion-MNIST, by the loss on the select rows at every width and rank:
// units ordered by TailDropout against magnitude, on retrained and control weights; directions of each kernel ordered by TailDropout
// against SVD, whitened SVD and K-FAC. Trained on the rows that `tdc` cuts as train from the t10k files. The figures have no time in them.
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';

import { startBackend } from '../dist/backend/index.js';
import {
  buildRankBasis,
  buildUnitBasis,
  collectKernelStatistics,
  collectUnitStatistics,
  kernelsOf,
} from '../dist/bases/index.js';
import { RowLosses } from '../dist/evaluate/measure.js';
import { readGraph } from '../dist/graph/index.js';
import { disposeModel, loadModel, locateModel } from '../dist/model/index.js';
import { mean, paired } from '../dist/objective/stats.js';
import { runRetrain, RUN_DEFAULTS } from '../dist/pipeline/index.js';
import { holdBack } from '../dist/retrain/hold-back.js';
import { tailRank } from '../dist/retrain/tail-rank.js';
import { factorLayer } from '../dist/surgery/index.js';
import { answersOf, MEMORY_DEFAULTS } from '../dist/sweep/chunk-size.js';
import { Cuts } from '../dist/sweep/cuts.js';
import { judgeRows, putAnswers } from '../dist/sweep/judging.js';
import { measureWidths } from '../dist/sweep/widths.js';
import { DATA, dataFor, SEED, trainOriginal } from './fashion/original.mjs';

/** Widths in the tables. */
const SHOWN = [1, 2, 4, 8, 16, 32, 64, 128, 256, 784];

/** @param {{print: (figure: object) => void, log: (text: string) => void}} out */
export async function run({ print, log }) {
  if (!existsSync(DATA)) {
    log(`There is no Fashion-MNIST at ${DATA}: left out.`);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'tdc-fashion-'));
  try {
    const world = await trainOriginal(join(folder, 'model'), log);
    await retrainBoth(world, folder, log);
    const bench = await prepare(world, folder, log);
    await units(bench, { print, log });
    await ranks(bench, { print, log });
    await bench.backend.dispose();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** As `tdc retrain` does, with its defaults. */
async function retrainBoth({ path }, folder, log) {
  const versions = { node: process.versions.node, tfjs: tf.version_core };
  const context = {
    cwd: folder,
    command: 'bench fashion',
    now: () => performance.now(),
    startedAt: '',
    machine: {},
    versions,
    onEvent: () => {},
  };
  const options = { ...RUN_DEFAULTS, model: path, data: DATA, out: join(folder, 'run'), backend: 'wasm', seed: SEED };
  const { retrain } = await runRetrain(options, context);
  const { epochs, retrained, control } = retrain;
  log(`${epochs} epochs: retrained ${retrained.loss.toFixed(4)}, control ${control.loss.toFixed(4)} at full width`);
}

async function open(path) {
  return readGraph((await loadModel(await locateModel(path))).model);
}

async function prepare({ path }, folder, log) {
  const backend = await startBackend({ backend: 'wasm' });
  const original = await open(path);
  const { splits, objective } = await dataFor(original.model);
  return {
    backend,
    objective,
    splits,
    log,
    original,
    retrained: await open(join(folder, 'run/ordered')),
    control: await open(join(folder, 'run/control')),
  };
}

async function units({ original, retrained, control, objective, splits }, { print, log }) {
  const select = { objective, split: splits.select };
  const statistics = { objective, split: splits.train, gradients: false, seed: SEED };
  const [onRetrained, onControl] = [
    await collectUnitStatistics(retrained, statistics),
    await collectUnitStatistics(control, statistics),
  ];
  for (const { name } of original.groups) {
    const ordered = (graph, basis, of) =>
      curve(
        graph,
        name,
        buildUnitBasis(basis, graph, groupOf(graph, name), { statistics: of?.get(name) }).order,
        select,
      );
    const tail = await ordered(retrained, 'tail');
    const rivals = [
      ['magnitude, retrained', await ordered(retrained, 'magnitude', onRetrained)],
      ['magnitude, control', await ordered(control, 'magnitude', onControl)],
    ];
    log(table(`units of ${name}, ${tail.length - 1} in all`, [['tail, retrained', tail], ...rivals]));
    for (const [rival, losses] of rivals) {
      report({ print, log }, `fashion-tail/${name}`, tail, losses, rival, { from: 0, to: tail.length - 2 });
    }
  }
}

async function ranks({ backend, original, objective, splits }, { print, log }) {
  const select = { objective, split: splits.select };
  const statistics = await collectKernelStatistics(original, { objective, split: splits.train, seed: SEED });
  const { train, held } = holdBack(splits.train, SEED);
  const createAdam = (rate) => backend.createAdam(rate);
  for (const [index, kernel] of kernelsOf(original).entries()) {
    const bases = ['svd', 'whitened', 'kfac'].map((name) =>
      buildRankBasis(name, kernel, statistics.kernels.get(kernel.layer)),
    );
    const curves = [];
    for (const basis of bases) curves.push([basis.name, await basisCurve(original, basis, select)]);
    const svd = curves[0][1];
    for (const basis of bases.slice(1)) {
      const { graph, group } = await tailRank(original, basis, { objective, train, held, seed: SEED, createAdam });
      const losses = await curve(graph, group, null, select);
      curves.push([`tail-rank from ${basis.name}`, losses]);
      disposeModel(graph.model);
    }
    log(table(`directions of ${kernel.layer}, ${svd.length - 1} in all`, curves));
    for (const [basis, losses] of curves.slice(-2)) {
      const name = `fashion-${basis.replaceAll(' ', '-')}/${kernel.layer}`;
      const { delta, deltaSe } = paired(losses.at(-1), svd.at(-1));
      log(`${name}: ${signed(delta)} at full rank against the original (se ${deltaSe.toFixed(4)})`);
      report({ print, log }, name, losses, svd, 'svd', { from: 1, to: svd.length - 1 });
      compare(print, `${name}/k=1`, losses[1], svd[1], 'svd');
    }
    if (index === 0) compare(print, `fashion-whitened/${kernel.layer}/k=16`, curves[1][1][16], svd[16], 'svd');
  }
}

function compare(print, name, ours, theirs, peerName) {
  print({ name, ours: mean(ours), peer: mean(theirs), peerName, unit: 'nats' });
}

function signed(value) {
  return `${value < 0 ? '' : '+'}${value.toFixed(4)}`;
}

/** The kernel factored at full rank; its first k inner features are the kernel at rank k. */
async function basisCurve(original, basis, select) {
  const graph = readGraph(factorLayer(original, basis, basis.n, { centered: true }));
  const { name } = graph.groups.find(({ consumers }) => consumers.length === 1 && consumers[0] === basis.layer);
  const losses = await curve(graph, name, null, select);
  disposeModel(graph.model);
  return losses;
}

function groupOf(graph, name) {
  return graph.groups.find((group) => group.name === name);
}

/** Losses of every row for k = 0..n. */
async function curve(graph, name, order, { objective, split }) {
  const { program } = graph;
  const group = groupOf(graph, name);
  const ks = Array.from({ length: group.n + 1 }, (_, k) => k);
  const losses = new Map(ks.map((k) => [k, new RowLosses(objective, split.size)]));
  const kept = order ?? Int32Array.from({ length: group.n }, (_, unit) => unit);
  const cuts = new Cuts({ ...MEMORY_DEFAULTS, objective, split, original: graph });
  const measuring = await measureWidths(
    { graph, group, order: kept },
    { program, ks, answers: answersOf(program, MEMORY_DEFAULTS) },
  );
  try {
    for await (const { start, size, target, truth, cut } of cuts.chunks(graph, measuring.reads)) {
      for await (const answers of measuring.outputs(cut, size)) {
        const judged = judgeRows(objective, answers.outputs, target, truth, answers.rows);
        putAnswers(losses, start, answers, judged, ks);
      }
    }
  } finally {
    measuring.dispose();
    cuts.dispose();
  }
  return ks.map((k) => losses.get(k).loss);
}

/** Over a range of k: the largest ratio, and where ours is above the rival's by more than max(1 %, 2 SE of the paired difference). */
function report({ print, log }, name, ours, theirs, rival, { from, to }) {
  let worst = from;
  const broken = [];
  for (let k = from; k <= to; k++) {
    const { delta, deltaSe } = paired(ours[k], theirs[k]);
    if (ratio(ours, theirs, k) > ratio(ours, theirs, worst)) worst = k;
    if (delta > Math.max(0.01 * mean(theirs[k]), 2 * deltaSe)) broken.push(k);
  }
  const where = broken.length === 0 ? 'at no k' : `at k = ${ranges(broken)}`;
  log(
    `${name}: above ${rival} by more than max(1 %, 2 SE) ${where}; worst ratio ${ratio(ours, theirs, worst).toFixed(4)} at k = ${worst}`,
  );
  compare(print, `${name}/worst`, ours[worst], theirs[worst], `${rival}, k = ${worst}`);
}

function ratio(ours, theirs, k) {
  return mean(ours[k]) / mean(theirs[k]);
}

function ranges(numbers) {
  const parts = [];
  for (const k of numbers) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === k - 1) last[1] = k;
    else parts.push([k, k]);
  }
  return parts.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(', ');
}

function table(title, curves) {
  const n = curves[0][1].length - 1;
  const ks = [...new Set([...SHOWN.filter((k) => k < n), n])];
  const width = Math.max(...curves.map(([name]) => name.length));
  const rows = curves.map(
    ([name, losses]) => name.padEnd(width) + ks.map((k) => mean(losses[k]).toFixed(4).padStart(8)).join(''),
  );
  return [title, 'k'.padEnd(width) + ks.map((k) => String(k).padStart(8)).join(''), ...rows].join('\n');
}
