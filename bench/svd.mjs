// Singular value decomposition: the whole spectrum and the top quarter of the vectors on both sides, against ml-matrix (all vectors: it
// cannot give a part) in this process, and LAPACK's gesdd (all vectors, likewise) through numpy on one thread. Best of a few rounds each.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { Matrix, SVD } from 'ml-matrix';

import { matrixOf, svdTop } from '../dist/bases/linalg/index.js';
import { createRandom } from '../dist/random/index.js';

const SIZES = [
  ['svd-256', 256, 256],
  ['svd-512', 512, 512],
  ['svd-768', 768, 768],
  ['svd-784x512', 784, 512],
];
const ROUNDS = 5;
/** ml-matrix takes 10 s at 768: once is enough. */
const PEER_SECONDS = 3;

const NUMPY = `
import json, sys, time
import numpy
sizes = json.loads(sys.argv[1])
times = []
for rows, cols in sizes:
    a = numpy.random.default_rng(0).standard_normal((rows, cols))
    best = 1e9
    for _ in range(${ROUNDS} + 1):
        start = time.perf_counter()
        numpy.linalg.svd(a, full_matrices=False)
        best = min(best, time.perf_counter() - start)
    times.append(1000 * best)
print(json.dumps({'version': numpy.__version__, 'times': times}))
`;

/**
 * @param {{print: (figure: {name: string, ours: number, peer: number | null, peerName: string | null, unit: string, ratio: number | null}) => void,
 *   log?: (line: string) => void}} io ratio = ours / peer: below 1, ours is faster
 * @returns the figures printed
 */
export async function run({ print, log = () => {} }) {
  const lapack = await timeLapack(log);
  const figures = [];
  SIZES.forEach(([name, rows, cols], i) => {
    const random = createRandom(1);
    const values = Float64Array.from({ length: rows * cols }, () => random.normal());
    const w = matrixOf(rows, cols, values);
    const ours = best(() => svdTop(w, Math.min(rows, cols) / 4, 'gram'));
    const plain = Matrix.from1DArray(rows, cols, values);
    const ml = best(() => new SVD(plain, { autoTranspose: true }), PEER_SECONDS);
    for (const [peerName, peer] of [
      ['LAPACK gesdd (numpy, 1 thread)', lapack?.[i] ?? null],
      ['ml-matrix', ml],
    ]) {
      const figure = {
        name: peerName === 'ml-matrix' ? `${name}/ml-matrix` : name,
        ours: round(ours),
        peer: peer === null ? null : round(peer),
        peerName: peer === null ? null : peerName,
        unit: 'ms',
        ratio: peer === null ? null : round(ours / peer),
      };
      figures.push(figure);
      print(figure);
    }
  });
  return figures;
}

/** Milliseconds per size, or undefined where python3 has no numpy. */
async function timeLapack(log) {
  const sizes = JSON.stringify(SIZES.map(([, rows, cols]) => [rows, cols]));
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
  try {
    const { stdout } = await promisify(execFile)('python3', ['-c', NUMPY, sizes], { env, timeout: 120_000 });
    const { version, times } = JSON.parse(stdout);
    log(`svd: LAPACK by numpy ${version}`);
    return times;
  } catch {
    log('svd: python3 has no numpy here, LAPACK left out');
    return undefined;
  }
}

/** Milliseconds of the fastest round; stops early once the rounds took `seconds`. */
function best(body, seconds = Infinity) {
  let fastest = Infinity;
  let total = 0;
  for (let roundIndex = 0; roundIndex <= ROUNDS && total < 1000 * seconds; roundIndex++) {
    const start = performance.now();
    body();
    const time = performance.now() - start;
    total += time;
    fastest = Math.min(fastest, time);
  }
  return fastest;
}

function round(value) {
  return Number(value.toPrecision(4));
}
