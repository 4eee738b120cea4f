// The backends against PyTorch on the CPU: matMul 1024 (plain, transposed), and Adam steps of an MLP (784-512-256-128-10) and a
// CNN (28x28, conv32-pool-conv64-pool-dense128-dense10) at batch 128. Each side is a process of its own that sleeps while the
// others work; rounds alternate, the figure is the median of all runs. PyTorch: per figure the faster of OPENBLAS_NUM_THREADS=1 and 2.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'backends');
/** Runs a round. */
const FIGURES = { 'matmul-1024': 20, 'matmul-1024-transposed': 20, 'mlp-step': 40, 'cnn-step': 12 };
const MATMUL_GFLOP = 2 * 1.024 ** 3;
const ROUNDS = 7;

/**
 * @param {{print: (figure: {name: string, ours: number, peer: number | null, peerName: string | null, unit: string}) => void,
 *   log: (line: string) => void}} io
 */
export async function run({ print, log }) {
  const peers = await startPeers(log);
  for (const backend of ['wasm', 'tensorflow']) {
    const ours = await start(process.execPath, [join(FOLDER, 'ours.mjs'), backend]);
    if (ours === undefined) {
      log(`backends: ${backend} does not load here, left out`);
      continue;
    }
    log(`backends: ${backend} ${JSON.stringify(ours.greeting)}`);
    for (const name of Object.keys(FIGURES)) print(await compare(name, backend, ours, peers));
    ours.stop();
  }
  for (const peer of peers) peer.stop();
}

async function startPeers(log) {
  const peers = [];
  for (const threads of ['1', '2']) {
    const env = { ...process.env, OPENBLAS_NUM_THREADS: threads };
    // Debian's python3-torch belongs to the system's python3
    for (const python of ['/usr/bin/python3', 'python3']) {
      const peer = await start(python, [join(FOLDER, 'pytorch_steps.py')], env);
      if (peer === undefined) continue;
      peers.push({ ...peer, name: `PyTorch ${peer.greeting}, OPENBLAS_NUM_THREADS=${threads}` });
      break;
    }
  }
  if (peers.length === 0) log('backends: PyTorch is missing here (Debian: python3-torch, libopenblas0-pthread)');
  return peers;
}

async function compare(name, backend, ours, peers) {
  const sides = [ours, ...peers];
  const times = sides.map(() => []);
  for (const side of sides) await side.ask(name, FIGURES[name]); // warm
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, side] of sides.entries()) times[i].push(...(await side.ask(name, FIGURES[name])));
  }
  const [own, ...others] = times.map(median);
  const best = others.indexOf(Math.min(...others));
  const isProduct = name.startsWith('matmul');
  const figure = (ms) => (isProduct ? (MATMUL_GFLOP / ms) * 1000 : ms);
  return {
    name: `${name}/${backend}`,
    ours: figure(own),
    peer: best < 0 ? null : figure(others[best]),
    peerName: best < 0 ? null : peers[best].name,
    unit: isProduct ? 'GFLOP/s' : 'ms',
  };
}

/** A process that answers every line with a line of JSON; undefined where it does not start. */
async function start(command, args, env = process.env) {
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : JSON.parse(value);
  };
  const greeting = await answer();
  if (greeting === undefined) return undefined;
  const ask = (name, count) => {
    child.stdin.write(`${name} ${count}\n`);
    return answer();
  };
  return { greeting, ask, stop: () => child.stdin.end() };
}

function median(values) {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[sorted.length >> 1];
}
