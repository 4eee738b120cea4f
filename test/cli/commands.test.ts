import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { InspectRecord, RetrainRecord, SweepRecord } from '../../src/records/types.js';
import { folder, tdc, type Outcome } from './world.js';

const ROOT = resolve(import.meta.dirname, '../..');
const FIXTURE = join(ROOT, 'fixtures/width-2-of-8');
const EXAMPLE = join(ROOT, 'reports/example');

/** A command with the whole library behind it, on the model whose true width is 2 of 8. */
async function whole(argv: readonly string[], cwd: string): Promise<Outcome> {
  return tdc(argv, { cwd, loadPipeline: () => import('../../src/pipeline/index.js') });
}

const textOf = (path: string): string => readFileSync(path, 'utf8');

const ARGV = [FIXTURE, '--data', join(FIXTURE, 'data.npz'), '--backend', 'cpu', '--epochs', '1'];

describe('the commands, with the library behind them', () => {
  it('inspect prints what can shrink', async () => {
    const { code, stdout, stderr } = await whole(['inspect', FIXTURE], ROOT);
    expect(stdout).toContain('width-2-of-8: 83 parameters, 72 multiply-adds');
    expect(stdout).toMatch(/^ {2}wide +8 +10 +-84 % +before classes$/mu);
    expect(stdout).toContain("classes stays: its features are the model's output");
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('inspect takes the options that choose groups', async () => {
    const argv = ['inspect', FIXTURE, '--layers', 'wi*', '--input-shape', '1,6', '--exclude', 'classes'];
    const { code, stdout } = await whole([...argv, '--json', '--seed', '5'], ROOT);
    const { groups, seed } = JSON.parse(stdout) as InspectRecord;
    expect(groups.map(({ name }) => name)).toEqual(['wide']);
    expect(seed).toBe(5);
    expect(code).toBe(0);
  });

  it('sweep prints on stdout the record that it saves, and says on stderr what it wrote', async () => {
    const cwd = folder();
    const { code, stdout, stderr } = await whole(['sweep', ...ARGV, '--json'], cwd);
    expect(code).toBe(0);
    const out = join(cwd, 'reports/width-2-of-8');
    const record = JSON.parse(stdout) as SweepRecord;
    expect(record).toEqual(JSON.parse(readFileSync(join(out, 'sweep.json'), 'utf8')));
    expect(record.groups.map(({ name, n }) => [name, n])).toEqual([['wide', 8]]);
    expect(stderr).toContain('wrote  reports/width-2-of-8/{');
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining(['report.html', 'retrain.json', 'run.json', 'scree.svg', 'summary.md']),
    );

    const again = await whole(['report', '--json', join('reports', 'width-2-of-8')], cwd);
    expect(again.code).toBe(0);
    expect(again.stdout).toBe(stdout);
  });

  it('retrain prints the original, the retrained model and the control', async () => {
    const cwd = folder();
    const { code, stdout, stderr } = await whole(['retrain', ...ARGV], cwd);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^width-2-of-8: ordered wide \(8\)\n/u);
    expect(stdout.match(/^ {2}(original|retrained|control)/gmu)).toHaveLength(3);
    expect(stderr).toContain('next   tdc sweep');
    const record = JSON.parse(readFileSync(join(cwd, 'reports/width-2-of-8/retrain.json'), 'utf8')) as RetrainRecord;
    expect(record.epochs).toBe(1);
  });

  it.each([
    ['no such model', ['inspect', 'nowhere'], 3, 'model'],
    ['no such data', ['sweep', FIXTURE, '--data', '/nowhere.csv'], 3, 'data'],
    ['an unknown sampler', ['sweep', ...ARGV, '--sampler', 'bogus'], 2, 'usage'],
    ['a glob that fits nothing', ['sweep', ...ARGV, '--layers', 'bogus'], 2, 'usage'],
    ['a split that adds up to 90', ['sweep', ...ARGV, '--split', '50/20/20'], 2, 'usage'],
    ['a folder without records', ['report', '.'], 3, 'data'],
  ])('%s ends with the right exit code and leaves no file', async (_, argv, exitCode, name) => {
    const cwd = folder();
    const { code, stdout } = await whole([...argv, '--json'], cwd);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: name } });
    expect(code).toBe(exitCode);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('report of a record', () => {
  it('asks for its folder', async () => {
    const cwd = folder({ 'run/compare.json': '{}' });
    const { code, stderr } = await whole(['report', 'run/compare.json'], cwd);
    expect(stderr).toBe(
      'error  A run folder is expected, and run/compare.json is a file.\nhint   Name its folder: tdc report run.\n',
    );
    expect(code).toBe(2);
  });
});

describe('the committed example', () => {
  it('is what its records render to (node fixtures/example.mjs renders it again)', async () => {
    const cwd = folder();
    cpSync(EXAMPLE, join(cwd, 'example'), { recursive: true });
    expect((await whole(['report', 'example'], cwd)).code).toBe(0);
    const rendered = readdirSync(EXAMPLE).filter((name) => /\.(html|md|svg)$/u.test(name));
    expect(rendered.filter((name) => textOf(join(cwd, 'example', name)) !== textOf(join(EXAMPLE, name)))).toEqual([]);
    expect(rendered).toContain('report.html');
  });

  it('stands in the README as it was printed', async () => {
    const cwd = folder();
    cpSync(EXAMPLE, join(cwd, 'example'), { recursive: true });
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    expect(readme).toContain((await whole(['report', 'example'], cwd)).stdout);
    expect(readme).toContain((await whole(['inspect', 'fixtures/digits-cnn'], ROOT)).stdout);
  });
});
