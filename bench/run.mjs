// `npm run bench -- NAME`: a table on stderr and, on stdout, one JSON line a figure.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { columns } from './shared/table.mjs';

const OWN = 'run.mjs';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== OWN)
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort();

const [name, ...rest] = process.argv.slice(2);
if (!names.includes(name) || rest.length > 0) {
  console.error(`usage: npm run bench -- ${names.join('|')}`);
  process.exitCode = 2;
} else if (!existsSync(join(import.meta.dirname, '../dist'))) {
  console.error('The benchmarks run the built package: npm run build first.');
  process.exitCode = 2;
} else {
  const { run } = await import(`./${name}.mjs`);
  const figures = [];
  await run({ print: (figure) => print(figure, figures), log: (text) => console.error(text) });
  console.error(table(figures));
}

/** {name, ours, peer, peerName, unit}: peer is null where it is missing here. */
function print({ name, ours, peer = null, peerName = null, unit }, figures) {
  const figure = { name, ours, peer, peerName, unit, ratio: peer === null ? null : ours / peer };
  figures.push(figure);
  console.log(JSON.stringify(figure));
}

function table(figures) {
  const rows = [
    ['name', 'ours', 'peer', 'unit', 'ratio', 'against'],
    ...figures.map((f) => [f.name, number(f.ours), number(f.peer), f.unit, number(f.ratio), f.peerName ?? '-']),
  ];
  return columns(rows);
}

function number(x) {
  return x === null ? '-' : x.toPrecision(3);
}
