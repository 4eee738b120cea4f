import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** The floors of the house, lowest first: a room imports rooms of lower floors only. */
const FLOORS = [
  ['errors', 'version'],
  ['random', 'records'],
  ['layers'],
  ['backend', 'data', 'graph', 'model'],
  ['objective'],
  ['evaluate'],
  ['bases'],
  ['surgery'],
  ['retrain', 'sweep'],
  ['compress', 'recommend', 'report'],
  ['pipeline'],
  ['config'],
  ['cli', 'index'],
];

/** What draws and what plans sees records, never a tensor. */
const RECORDS_ONLY = ['report', 'recommend'];

/** Why a file outside src/cli touches the process. */
const PROCESS_ALLOWED: Readonly<Record<string, string>> = {
  'backend/doctor/worker.ts': 'is a process of its own, and talks to its parent',
  'pipeline/worker.ts': 'is a process of its own, and talks to its parent',
  'backend/wasm/host.ts': 'takes away the listeners that Emscripten puts on the process',
};

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('assembly'))
  .map((name) => ({ name: name.split(sep).join('/'), text: readFileSync(join(SRC, name), 'utf8') }));

const roomOf = (name: string): string => (name.split('/')[0] ?? name).replace(/\.ts$/u, '');
const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/gu)].map(([, from = '']) => from);
}

function roomsImportedBy({ name, text }: { name: string; text: string }): string[] {
  return importsOf(text)
    .filter((from) => from.startsWith('.'))
    .map((from) => relative(SRC, resolve(SRC, dirname(name), from)).split(sep)[0] ?? '')
    .map((room) => room.replace(/\.js$/u, ''))
    .filter((room) => room !== '..' && room !== roomOf(name));
}

/** Without comments and without what strings say. */
function code(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//gu, '')
    .replace(/\/\/.*$/gmu, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/gu, "''");
}

describe('src', () => {
  it('has a floor for every room', () => {
    expect(new Set(files.map(({ name }) => roomOf(name)).filter((room) => floorOf(room) < 0))).toEqual(new Set());
  });

  it('imports downward only', () => {
    const upward = files.flatMap((file) =>
      roomsImportedBy(file)
        .filter((room) => floorOf(room) >= floorOf(roomOf(file.name)))
        .map((room) => `${file.name} imports ${room}`),
    );
    expect(upward).toEqual([]);
  });

  it('keeps tensors out of what draws and what plans', () => {
    const seen = files
      .filter(({ name }) => RECORDS_ONLY.includes(roomOf(name)))
      .flatMap((file) => [
        ...roomsImportedBy(file),
        ...importsOf(file.text).filter((from) => from.startsWith('@tensorflow')),
      ]);
    expect(seen.filter((room) => !['records', 'errors'].includes(room))).toEqual([]);
  });

  it('reads no clock, no process and no unseeded random number outside src/cli', () => {
    const found = files
      .filter(({ name }) => roomOf(name) !== 'cli')
      .flatMap(({ name, text }) =>
        [
          ...code(text).matchAll(
            /\b(?:console|process)\.\w+|\bMath\.random\b|\bDate\.now\b|\bnew Date\b|\bperformance\.now\b/gu,
          ),
        ]
          .filter(([hit]) => !(hit.startsWith('process') && name in PROCESS_ALLOWED))
          .map(([hit]) => `${name}: ${hit}`),
      );
    expect(found).toEqual([]);
  });

  it('has no default exports', () => {
    expect(files.filter(({ text }) => /^export default\b/mu.test(code(text))).map(({ name }) => name)).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it('see every form of import', () => {
    const text =
      "import a from './a.js';\nimport type { B } from '../b.js';\nexport { c } from './c.js';\nawait import('./d.js');\nimport './e.js';";
    expect(importsOf(text)).toEqual(['./a.js', '../b.js', './c.js', './d.js', './e.js']);
    expect(roomsImportedBy({ name: 'data/x.ts', text: "import { run } from '../cli/main.js';" })).toEqual(['cli']);
  });

  it('do not mistake a comment or a string for code', () => {
    expect(code("const a = 1; // console.log\n/* Math.random */ const b = 'process.exit';")).not.toMatch(
      /console|random|exit/u,
    );
  });
});

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

describe('the package', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

  it('is called tdc on the command line', () => {
    expect(manifest.bin).toEqual({ tdc: 'bin/tdc.js' });
    expect(readFileSync(join(ROOT, 'bin/tdc.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('exports files that the sources become', () => {
    const targets = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [] : [entry.types, entry.default],
    );
    const sources = targets.map((path) => path.replace('./dist/', '').replace(/(\.d)?\.[jt]s$/u, '.ts'));
    expect(sources.filter((path) => !files.some(({ name }) => name === path))).toEqual([]);
  });

  it('holds every @tensorflow package at exactly 4.22.0', () => {
    const all = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
    const versions = Object.entries(all).filter(([name]) => name.startsWith('@tensorflow/'));
    expect(versions.length).toBeGreaterThan(3);
    expect(versions.filter(([, version]) => version !== '4.22.0')).toEqual([]);
  });

  it('names the same Node versions as the README and the workflow', () => {
    expect(manifest.engines.node).toBe('^20.19.0 || ^22.12.0 || >=24');
    expect(readme).toContain('Node 20.19, 22.12 or 24');
    expect(readFileSync(join(ROOT, '.github/workflows/ci.yml'), 'utf8')).toContain('node: [20, 22, 24]');
  });

  it('has every script that the README and .ci/run call', () => {
    const text = readme + readFileSync(join(ROOT, '.ci/run'), 'utf8');
    const called = [...text.matchAll(/\bnpm (?:run ([\w:]+)|(test)\b)/gu)].map(
      ([, script, test]) => script ?? test ?? '',
    );
    expect(called).toContain('test');
    expect(called.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});
