import { describe, expect, it } from 'vitest';

import { RUN_DEFAULTS } from '../../src/pipeline/types.js';
import { askedOptions, folder, spyPipeline, tdc } from './world.js';

const USAGE = 'tdc --help lists the commands, and --help behind a command its options.\n';

const ARGV = ['sweep', 'm', '--data', 'd.csv'];

describe('flags', () => {
  it('that are left out are the defaults of the library', async () => {
    expect(await askedOptions(ARGV)).toEqual({ ...RUN_DEFAULTS, model: 'm', data: 'd.csv' });
  });

  it.each<[string[], Record<string, unknown>]>([
    [['--batch-size', '64'], { batchSize: 64 }],
    [['--batch_size', '64'], { batchSize: 64 }],
    [['--batch_size=64'], { batchSize: 64 }],
    [['--k_min', '0'], { kMin: 0 }],
    [['--p', '0'], { p: 0 }],
    [['--scale', '1/255'], { scale: 1 / 255 }],
    [['--scale=-2'], { scale: -2 }],
    [['--learning-rate', '1e-4'], { learningRate: 1e-4 }],
    [['--split', '60/20/20'], { split: '60/20/20' }],
    [['--layers', 'a,b*'], { layers: ['a', 'b*'] }],
    [['--layers', 'a', '--layers=b,c'], { layers: ['a', 'b', 'c'] }],
    [['--exclude', ' a , ,b '], { exclude: ['a', 'b'] }],
    [['--input-shape', '1,64'], { inputShape: [1, 64] }],
    [['--no-retrain'], { retrain: false }],
    [['--no_control'], { control: false }],
    [['--no-distill=false'], { distill: true }],
    [['--exact'], { exact: true }],
    [['--seed', '7'], { seed: 7 }],
    [['--axis', 'macs'], { axis: 'macs' }],
    [['--out', '007'], { out: '007' }],
    [['--target', '1e3'], { target: '1e3' }],
    [['--force', '--force'], { force: true }],
  ])('%j are %j', async (flags, expected) => {
    expect(await askedOptions([...ARGV, ...flags])).toMatchObject(expected);
  });

  it.each([
    [['--p', '2'], '--p expects a number from 0 to 1, received 2.'],
    [['--p', 'NaN'], '--p expects a number from 0 to 1, received "NaN".'],
    [['--p'], '--p needs a value.'],
    [['--p', '--json'], '--p needs a value.'],
    [['--seed', '1.5'], '--seed expects a whole number from 0 to 4294967295, received 1.5.'],
    [['--seed', '1', '--seed', '2'], '--seed is given 2 times; one value is expected.'],
    [['--epochs', '0'], '--epochs expects a whole number of at least 1, received 0.'],
    [['--learning-rate', 'Infinity'], '--learning-rate expects a number above 0, received "Infinity".'],
    [['--scale', '1/0'], '--scale expects a number other than 0, received "1/0".'],
    [['--scale', '0'], '--scale expects a number other than 0, received 0.'],
    [['--out='], '--out expects a path, received "".'],
    [['--train', 'none'], '--train expects one of all, selected, received "none".'],
    [['--backend', 'cuda'], '--backend expects one of auto, tensorflow, webgpu, wasm, cpu, received "cuda".'],
    [['--input-shape', '1,y'], '--input-shape expects whole numbers of at least 1, such as 1,64, received "y".'],
    [['other'], 'tdc sweep does not expect "other".'],
  ])('%j are refused: %s', async (flags, message) => {
    const { code, stdout } = await tdc([...ARGV, ...flags, '--json']);
    const { error } = JSON.parse(stdout) as { error: { message: string } };
    expect(error.message).toBe(message);
    expect(code).toBe(2);
  });

  it.each([
    [['sweep', '--epoch', '3'], /^error {2}Unknown option --epoch\.\nhint {3}Did you mean --epochs\?/],
    [['sweep', '--budget', '1'], /^error {2}Unknown option --budget\.\nhint {3}tdc sweep --help/],
    [['sweep', '-x'], /^error {2}Unknown option -x\./],
    [['inspect', 'm', '--epochs', '3'], /^error {2}Unknown option --epochs\./],
    [['shrink'], /^error {2}Unknown command shrink\./],
    [['shrink', '--json'], /^error {2}Unknown command shrink\./],
    [['shrink', '--seed', '1'], /^error {2}Unknown command shrink\./],
    [['swep'], /Did you mean sweep\?/],
    [['__proto__'], /^error {2}Unknown command __proto__\./],
    [[], /^error {2}Which command\?/],
    [['--json'], /^error {2}Which command\?\nhint {3}--json stands behind a command\./],
    [['--seed', '1'], /^error {2}Which command\?\nhint {3}--seed stands behind a command\./],
    [['--jsn'], /^error {2}Unknown option --jsn\.\nhint {3}Did you mean --json\?/],
  ])('%j is refused with a way out', async (argv, message) => {
    const { code, stdout, stderr } = await tdc(argv);
    expect(stderr).toMatch(message);
    expect(stdout === '' || argv.includes('--json')).toBe(true);
    expect(code).toBe(2);
  });
});

describe('precedence', () => {
  const config = JSON.stringify({ model: 'm', data: 'd.csv', seed: 1, p: 0.1, epochs: 10, retrain: false });

  it('is flag, environment, configuration file, default', async () => {
    const cwd = folder({ 'tdc.config.json': config });
    const env = { TDC_SEED: '2', TDC_P: '0.2' };
    const options = await askedOptions(['sweep', '--seed', '3'], { cwd, env });
    expect(options).toMatchObject({ seed: 3, p: 0.2, epochs: 10, batchSize: RUN_DEFAULTS.batchSize });
  });

  it('holds for switches in both directions', async () => {
    const cwd = folder({ 'tdc.config.json': config });
    expect(await askedOptions(['sweep'], { cwd })).toMatchObject({ retrain: false });
    expect(await askedOptions(['sweep'], { cwd, env: { TDC_NO_RETRAIN: 'false' } })).toMatchObject({ retrain: true });
    expect(await askedOptions(['sweep'], { cwd, env: { TDC_RETRAIN: 'yes' } })).toMatchObject({ retrain: true });
    expect(await askedOptions(['sweep', '--retrain'], { cwd })).toMatchObject({ retrain: true });
  });

  it('puts other data in the place of the configured data with all its scaling', async () => {
    const cwd = folder({ 'tdc.config.json': '{"model": "m", "data": {"path": "d.csv", "scale": 2}}' });
    expect(await askedOptions(['sweep', '--data', 'e.csv'], { cwd })).toMatchObject({ data: 'e.csv' });
  });

  it('reads every kind of option from the environment', async () => {
    const env = {
      TDC_MODEL: 'm',
      TDC_DATA: 'd.csv',
      TDC_LAYERS: 'a,b',
      TDC_INPUT_SHAPE: '2,3',
      TDC_EXACT: '1',
      TDC_OUT: '',
    };
    const options = await askedOptions(['sweep'], { env });
    expect(options).toMatchObject({ model: 'm', data: 'd.csv', layers: ['a', 'b'], inputShape: [2, 3], exact: true });
    expect(options).not.toHaveProperty('out');
  });

  it('names the variable that is wrong', async () => {
    const { code, stderr } = await tdc(ARGV, { env: { TDC_SEED: 'x' } });
    expect(stderr).toBe('error  TDC_SEED expects a whole number from 0 to 4294967295, received "x".\nhint   ' + USAGE);
    expect(code).toBe(2);
  });

  it('warns of a variable that is no option', async () => {
    const pipeline = spyPipeline();
    const { code, stderr } = await tdc(ARGV, { env: { TDC_SEDE: '1' }, loadPipeline: async () => pipeline });
    expect(stderr).toContain('warning  TDC_SEDE in the environment is not an option of tdc.\n');
    expect(code).toBe(0);
  });

  it('always retrains in tdc retrain', async () => {
    const cwd = folder({ 'tdc.config.json': config });
    expect(await askedOptions(['retrain'], { cwd })).toMatchObject({ retrain: true });
  });
});
