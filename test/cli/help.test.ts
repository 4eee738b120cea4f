import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { OPTIONS } from '../../src/cli/options.js';
import { tdc } from './world.js';

const ROOT = resolve(import.meta.dirname, '../..');
const COMMANDS = ['inspect', 'retrain', 'sweep', 'compare-svd', 'recommend', 'compress', 'report', 'init', 'doctor'];

describe('help', () => {
  it.each([[['--help']], ...COMMANDS.map((name) => [[name, '--help']])])('of %j is the golden text', async (argv) => {
    const { code, stdout, stderr } = await tdc(argv);
    const name = argv.length === 1 ? 'tdc' : argv[0];
    await expect(stdout).toMatchFileSnapshot(`help/${name}.golden.txt`);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('fits a terminal of 80 columns and has examples', async () => {
    for (const argv of [['--help'], ...COMMANDS.map((name) => [name, '-h'])]) {
      const { stdout } = await tdc(argv);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(stdout).toContain('Examples\n');
    }
  });

  it('does not follow the language of the machine', async () => {
    const { stdout } = await tdc(['sweep', '--help'], { env: { LANG: 'de_DE.UTF-8' } });
    expect(stdout).toBe((await tdc(['sweep', '--help'])).stdout);
  });

  it('names every option of some command', async () => {
    const texts = await Promise.all(COMMANDS.map(async (name) => (await tdc([name, '--help'])).stdout));
    for (const name of Object.keys(OPTIONS)) expect(texts.join('\n')).toMatch(new RegExp(` --${name} `, 'u'));
  });

  it('shows the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect((await tdc(['--version'])).stdout).toBe(`${version}\n`);
  });
});

describe('the way to the help', () => {
  it('loads no TensorFlow.js, vega, ora, zod or jiti', () => {
    const { packages, files } = staticImports(join(ROOT, 'src/cli/process.ts'));
    expect(packages).toEqual(new Set());
    expect(files).toContain(join(ROOT, 'src/cli/main.ts'));
    // What help itself loads on the way, dynamically.
    expect(staticImports(join(ROOT, 'src/cli/parse.ts')).packages).toEqual(new Set());
  });
});

/** Everything that a source file loads before its first line runs: packages (types and node: aside) and files. */
function staticImports(entry: string): { packages: Set<string>; files: Set<string> } {
  const packages = new Set<string>();
  const files = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, clause = '', from = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export) ([^;]*?) ?from '([^']+)'/gmu,
    )) {
      if (/^type\b/u.test(clause) || from.startsWith('node:')) continue;
      if (from.startsWith('.')) visit(resolve(dirname(file), from.replace(/\.js$/u, '.ts')));
      else packages.add(from);
    }
  };
  visit(entry);
  return { packages, files };
}
