// How long `tdc --help` takes, against Node starting with an empty script. Median of processes started in turn.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const TDC = join(import.meta.dirname, '../bin/tdc.js');
const ROUNDS = 15;

export async function run({ print, log }) {
  const help = [];
  const empty = [];
  for (let i = 0; i < ROUNDS; i++) {
    help.push(seconds([TDC, '--help']));
    empty.push(seconds(['--eval', '0']));
  }
  log(`${ROUNDS} processes each, in turn; fastest help ${Math.min(...help).toFixed(3)} s`);
  print({ name: 'help', ours: median(help), peer: median(empty), peerName: 'node --eval 0', unit: 's' });
}

function seconds(args) {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return (performance.now() - start) / 1000;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
