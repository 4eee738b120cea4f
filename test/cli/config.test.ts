import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { defineConfig } from '../../src/config.js';
import { readConfig } from '../../src/cli/config.js';
import { askedOptions, folder, spyPipeline, tdc } from './world.js';

describe('readConfig', () => {
  it.each([
    ['tdc.config.json', '{"model": "m", "seed": 5}'],
    ['tdc.config.mjs', 'export default { model: "m", seed: 2 + 3 };'],
    ['tdc.config.js', 'module.exports = { model: "m", seed: 5 };'],
    ['tdc.config.ts', 'const seed: number = 5;\nexport default { model: "m", seed };'],
    ['package.json', '{"name": "x", "tdc": {"model": "m", "seed": 5}}'],
    ['tdc.config.json', '\uFEFF{"model": "m", "seed": 5}'],
  ])('reads %s', async (name, text) => {
    expect(await readConfig(folder({ [name]: text }), undefined)).toEqual({ model: 'm', seed: 5 });
  });

  it('reads snake_case and kebab-case keys, and the "no" of a flag', async () => {
    const text = '{"batch_size": 8, "learning-rate": 0.1, "no_retrain": true, "noControl": false}';
    const given = await readConfig(folder({ 'tdc.config.json': text }), undefined);
    expect(given).toEqual({ batchSize: 8, learningRate: 0.1, retrain: false, control: true });
  });

  it('says nothing where there is no file, or a package.json without the key', async () => {
    expect(await readConfig(folder(), undefined)).toEqual({});
    expect(await readConfig(folder({ 'package.json': '{"name": "x"}' }), undefined)).toEqual({});
  });

  it('finds the file of the project from a folder inside it, and takes paths from the file', async () => {
    const config = { model: 'm', data: { path: 'd.csv', scale: 2 }, out: 'o' };
    const root = folder({ 'package.json': '{}', 'tdc.config.json': JSON.stringify(config), 'a/b/x': '' });
    expect(await readConfig(join(root, 'a/b'), undefined)).toEqual({
      model: join('..', '..', 'm'),
      data: { path: join('..', '..', 'd.csv'), scale: 2 },
      out: join('..', '..', 'o'),
    });
  });

  it.each([
    { cwd: 'a/b', flags: [], said: 'configuration ../../tdc.config.json\n' },
    { cwd: 'a/b', flags: ['--quiet'], said: '' },
    { cwd: 'a/b', flags: ['--config', '../../tdc.config.json'], said: '' },
    { cwd: '.', flags: [], said: '' },
  ])('is told in $cwd with $flags where it was found above: $said', async ({ cwd, flags, said }) => {
    const root = folder({ 'package.json': '{}', 'tdc.config.json': '{"seed":1}', 'a/b/x': '' });
    const { stderr } = await tdc(['sweep', 'm', '--data', 'd', ...flags], {
      cwd: join(root, cwd),
      loadPipeline: async () => spyPipeline(),
    });
    expect(
      stderr
        .split('\n')
        .filter((line) => line.startsWith('configuration'))
        .join('\n'),
    ).toBe(said.trim());
  });

  it('takes the files of all splits from its folder, and leaves absolute paths and URLs alone', async () => {
    const data = { train: 'a.csv', select: '/b.csv', report: 'c.csv' };
    const root = folder({ 'sub/c.json': JSON.stringify({ model: 'file:///m', data }) });
    expect(await readConfig(root, 'sub/c.json')).toEqual({
      model: 'file:///m',
      data: { train: join('sub', 'a.csv'), select: '/b.csv', report: join('sub', 'c.csv') },
    });
  });

  it('does not run a file outside the project', async () => {
    const root = folder({
      'tdc.config.mjs': 'throw new Error("ran");',
      'project/package.json': '{}',
      'project/src/x': '',
    });
    expect(await readConfig(join(root, 'project/src'), undefined)).toEqual({});
    const loose = folder({ 'tdc.config.mjs': 'throw new Error("ran");', 'inner/x': '' });
    expect(await readConfig(join(loose, 'inner'), undefined)).toEqual({});
  });

  it('takes what defineConfig typed', async () => {
    const config = defineConfig({ model: 'm', data: 'd.csv', p: 0.5, layers: ['a'] });
    const root = folder({ 'tdc.config.json': JSON.stringify(config) });
    expect(await askedOptions(['sweep'], { cwd: root })).toMatchObject(config);
  });
});

describe('a configuration is refused with exit 2 and one sentence that names the key', () => {
  it.each([
    ['{"sede": 1}', '`sede` in tdc.config.json is not a known key.'],
    ['{"seed": "x"}', '`seed` in tdc.config.json expects a whole number from 0 to 4294967295, received "x".'],
    ['{"seed": null}', '`seed` in tdc.config.json expects a whole number from 0 to 4294967295, received null.'],
    ['{"p": 1.5}', '`p` in tdc.config.json expects a number from 0 to 1, received 1.5.'],
    ['{"model": 3}', '`model` in tdc.config.json expects a path, received 3.'],
    ['{"model": ""}', '`model` in tdc.config.json expects a path, received "".'],
    ['{"model": ["m"]}', '`model` in tdc.config.json expects a path, received ["m"].'],
    ['{"data": 3}', '`data` in tdc.config.json expects a path, or an object with a path, received 3.'],
    ['{"data": {}}', '`data.path` in tdc.config.json expects a path, received nothing.'],
    ['{"data": {"path": "d", "scal": 1}}', '`data.scal` in tdc.config.json is not a known key.'],
    [
      '{"data": {"path": "d", "scale": "1/255"}}',
      '`data.scale` in tdc.config.json expects a number other than 0, received "1/255".',
    ],
    [
      '{"data": {"path": "d", "format": "exe"}}',
      '`data.format` in tdc.config.json expects csv, npz, npy, json or idx, received "exe".',
    ],
    ['{"data": {"train": 1}}', '`data.train` in tdc.config.json expects a path, received 1.'],
    ['{"layers": [1]}', '`layers` in tdc.config.json expects layer names, received [1].'],
    ['{"retrain": "no"}', '`retrain` in tdc.config.json expects true or false, received "no".'],
    [
      '{"backend": "cuda"}',
      '`backend` in tdc.config.json expects auto, tensorflow, webgpu, wasm or cpu, received "cuda".',
    ],
    ['{"json": true}', '`json` in tdc.config.json is not a known key.'],
    ['{"__proto__": {"p": 0.5}}', '`__proto__` in tdc.config.json is not a known key.'],
    ['{"constructor": 1}', '`constructor` in tdc.config.json is not a known key.'],
    ['[]', 'tdc.config.json expects an object with options, received a list.'],
    ['3', 'tdc.config.json expects an object with options, received a number.'],
    ['null', 'tdc.config.json expects an object with options, received null.'],
    ['', /^tdc\.config\.json expects an object with options, received nothing\.$/],
    ['{"seed": 1', /^tdc\.config\.json is not valid JSON: /],
  ])('%s', async (text, message) => {
    const { code, stdout } = await tdc(['sweep', '--json'], { cwd: folder({ 'tdc.config.json': text }) });
    const { error } = JSON.parse(stdout) as { error: { message: string } };
    expect(error.message).toMatch(exactly(message));
    expect(error.message).not.toContain('\n');
    expect(code).toBe(2);
  });

  it.each([
    ['tdc.config.mjs', 'throw new Error("out of order");', 'The configuration file cannot be read: out of order'],
    ['tdc.config.mjs', 'export const model = 3;', 'tdc.config.mjs has no default export.'],
    [
      'tdc.config.mjs',
      'export default () => ({});',
      'tdc.config.mjs expects an object with options, received a function.',
    ],
    ['tdc.config.ts', 'export default { p: "x" };', '`p` in tdc.config.ts expects a number from 0 to 1, received "x".'],
    ['package.json', '{"tdc": {"p": 7}}', '`p` of tdc in package.json expects a number from 0 to 1, received 7.'],
    ['package.json', '{"tdc": ', /^package\.json is not valid JSON: /],
  ])('%s: %s', async (name, text, message) => {
    const { code, stderr } = await tdc(['sweep'], { cwd: folder({ [name]: text }) });
    const first = stderr.split('\n')[0]?.replace(/^error {2}/u, '');
    expect(first).toMatch(exactly(message));
    expect(code).toBe(2);
  });

  it.each([
    ['{"sede": 1}', 'Did you mean seed?'],
    ['{"batchsize": 1}', 'Did you mean batchSize?'],
    ['{"data": {"path": "d", "scal": 1}}', 'Did you mean scale?'],
    ['{"data": {"train": "d", "reprot": "e"}}', 'Did you mean report?'],
    ['{"data": {"path": "d", "zzzzzz": 1}}', /^Keys are path, format, inputs, .*split/u],
    ['{"p": 1.5}', /^tdc --help lists the commands/u],
  ])('%s, with a way out: %s', async (text, hint) => {
    const { stdout } = await tdc(['sweep', '--json'], { cwd: folder({ 'tdc.config.json': text }) });
    expect((JSON.parse(stdout) as { error: { hint: string } }).error.hint).toMatch(exactly(hint));
  });

  it.each(['none.json', '.', 'config.yaml'])('--config %s', async (name) => {
    const { code, stderr } = await tdc(['sweep', '--config', name], { cwd: folder({ 'config.yaml': 'model: m' }) });
    expect(stderr).toMatch(/^error {2}The configuration file .* (does not exist|cannot be read)/);
    expect(code).toBe(2);
  });
});

/** A pattern for the whole of a text; patterns stay what they are. */
function exactly(message: string | RegExp): RegExp {
  if (typeof message !== 'string') return message;
  return new RegExp(`^${message.replaceAll(/[$()*+.?[\\\]^{|}]/gu, String.raw`\$&`)}$`, 'u');
}
