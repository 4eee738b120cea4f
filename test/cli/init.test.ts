import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readConfig } from '../../src/cli/config.js';
import { folder, tdc } from './world.js';

const MANIFEST = '{"format": "layers-model", "modelTopology": {}, "weightsManifest": []}';

describe('tdc init', () => {
  it('writes the model and data that it finds, so that every command reads them', async () => {
    const cwd = folder({
      'data/train.csv': '1,2',
      'nets/first/model.json': MANIFEST,
      'nets/second/model.json': MANIFEST,
    });
    const { code, stdout, stderr } = await tdc(['init'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(join(cwd, 'tdc.config.json'), 'utf8'));
    expect(stderr).toContain('next   tdc recommend');
    expect(await readConfig(cwd, undefined)).toEqual({ model: join('nets', 'first'), data: join('data', 'train.csv') });
  });

  it.each([
    ['a manifest of another name', { 'net.json': MANIFEST }, { model: 'net.json' }],
    [
      'no graph model',
      { 'model.json': '{"format": "graph-model", "modelTopology": {}}', 'd.csv': '' },
      { data: 'd.csv' },
    ],
    [
      'no other JSON',
      { 'package.json': '{}', 'tsconfig.json': '{"modelTopology?": 1}', 'd.csv': '' },
      { data: 'd.csv' },
    ],
    [
      'a folder of idx files',
      { 'mnist/train-images-idx3-ubyte.gz': '', 'mnist/train-labels-idx1-ubyte.gz': '' },
      { data: 'mnist' },
    ],
    [
      'nothing in node_modules',
      { 'node_modules/x/model.json': MANIFEST, 'node_modules/x/d.csv': '', 'y/d.csv': '' },
      { data: join('y', 'd.csv') },
    ],
  ])('finds %s', async (_, files, expected) => {
    const cwd = folder(files);
    const { code, stderr } = await tdc(['init'], { cwd });
    expect(code).toBe(0);
    expect(await readConfig(cwd, undefined)).toEqual(expected);
    expect(stderr.includes('No model was found')).toBe(!('model' in expected));
    expect(stderr.includes('No data was found')).toBe(!('data' in expected));
  });

  it('writes nothing where there is nothing to name, and says what a configuration looks like', async () => {
    const cwd = folder();
    const { code, stdout, stderr } = await tdc(['init'], { cwd });
    expect(code).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error {2}Neither a model nor data was found .*\nhint .*"model": "my\/model"/u);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('makes the folder of a file elsewhere, and writes paths that hold from there', async () => {
    const cwd = folder({ 'd.csv': '', 'nets/m/model.json': MANIFEST });
    const file = join('other', 'dir', 'x.json');
    const { code, stdout, stderr } = await tdc(['init', '--config', file], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ model: join('..', '..', 'nets', 'm'), data: join('..', '..', 'd.csv') });
    expect(await readConfig(cwd, file)).toEqual({ model: join('nets', 'm'), data: 'd.csv' });
    expect(stderr).toContain(`next   tdc recommend --config ${file}  `);
  });

  it('says in a sentence that a folder cannot be made', async () => {
    const cwd = folder({ 'd.csv': '' });
    const { code, stderr } = await tdc(['init', '--config', 'd.csv/x.json'], { cwd });
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^error {2}.*d\.csv is in the way: it is a file, and a folder is to be made there\.\nhint /u,
    );
  });

  it('does not write over a file without --force', async () => {
    const cwd = folder({ 'tdc.config.json': '{"seed": 4}', 'd.csv': '' });
    const { code, stderr } = await tdc(['init'], { cwd });
    expect(code).toBe(3);
    expect(stderr).toBe('error  tdc.config.json exists.\nhint   Add --force to write it anew.\n');
    expect(await readConfig(cwd, undefined)).toEqual({ seed: 4 });
    expect((await tdc(['init', '--force'], { cwd })).code).toBe(0);
    expect(await readConfig(cwd, undefined)).toEqual({ data: 'd.csv' });
  });

  it.each(['tdc.config.mjs', 'tdc.config.ts'])('writes %s, which reads back', async (name) => {
    const cwd = folder({ 'd.csv': '', 'm/model.json': MANIFEST });
    expect((await tdc(['init', '--config', name], { cwd })).code).toBe(0);
    expect(await readConfig(cwd, undefined)).toEqual({ model: 'm', data: 'd.csv' });
  });

  it('refuses a kind of file that it cannot write', async () => {
    const { code, stderr } = await tdc(['init', '--config', 'tdc.yaml'], { cwd: folder() });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error {2}A configuration is a \.json, \.mjs or \.ts file, received tdc\.yaml\.\n/);
  });

  it('takes the data that it is told', async () => {
    const cwd = folder({ 'a.csv': '', 'b.csv': '' });
    const { stdout } = await tdc(['init', '--data', 'b.csv', '--json'], { cwd });
    expect(JSON.parse(stdout)).toEqual({ file: 'tdc.config.json', config: { data: 'b.csv' } });
  });
});
