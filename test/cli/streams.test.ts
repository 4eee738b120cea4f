import { describe, expect, it } from 'vitest';

import {
  BackendError,
  DataError,
  GateError,
  ModelError,
  OutputError,
  TrainingError,
  UsageError,
} from '../../src/errors.js';
import { INSPECT, spyPipeline, SWEEP, tdc } from './world.js';

const ARGV = ['sweep', 'm', '--data', 'd.csv'];

function failing(error: Error) {
  const pipeline = spyPipeline(() => {
    throw error;
  });
  return { loadPipeline: async () => pipeline };
}

const working = () => {
  const pipeline = spyPipeline();
  return { loadPipeline: async () => pipeline };
};

describe('exit codes', () => {
  it.each([
    [1, new Error('a bug'), 'unexpected'],
    [2, new UsageError('wrong'), 'usage'],
    [3, new ModelError('wrong'), 'model'],
    [3, new DataError('wrong'), 'data'],
    [3, new TrainingError('wrong'), 'training'],
    [3, new OutputError('wrong'), 'output'],
    [4, new BackendError('wrong'), 'backend'],
    [5, new GateError('wrong'), 'gate'],
  ])('is %i for %s', async (exitCode, error, name) => {
    const { code, stdout } = await tdc([...ARGV, '--json'], failing(error));
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: name, message: error.message } });
  });

  it('is 0 when all went well', async () => {
    expect((await tdc(ARGV, working())).code).toBe(0);
  });

  it('is 130 after an interrupt, and says that finished work is kept', async () => {
    let interrupt: (() => void) | undefined;
    const pipeline = spyPipeline((context) => {
      interrupt?.();
      context.signal?.throwIfAborted();
    });
    const { code, stdout, stderr } = await tdc([...ARGV, '--json'], {
      loadPipeline: async () => pipeline,
      onInterrupt: (listener) => {
        interrupt = listener;
        return () => {};
      },
    });
    expect(code).toBe(130);
    expect(stderr).toMatch(/kept/);
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'interrupted', message: stderr.trim(), hint: null } });
  });

  it('stops listening for interrupts when it is done', async () => {
    let listening = false;
    await tdc(['--help'], {
      onInterrupt: () => {
        listening = true;
        return () => {
          listening = false;
        };
      },
    });
    expect(listening).toBe(false);
  });
});

describe('errors', () => {
  it('that are expected print message and hint, no stack, and leave stdout empty', async () => {
    const { stdout, stderr } = await tdc(ARGV, failing(new DataError('No rows.', { hint: 'Add some.' })));
    expect(stdout).toBe('');
    expect(stderr).toBe('error  No rows.\nhint   Add some.\n');
  });

  it('that are unexpected print their stack', async () => {
    const error = new TypeError('undefined is not a tensor');
    const { stdout, stderr } = await tdc(ARGV, failing(error));
    expect(stdout).toBe('');
    expect(stderr).toContain(error.stack);
  });

  it('without a hint of their own say what holds for their kind, or null, so that the keys are always there', async () => {
    const data = await tdc([...ARGV, '--json'], failing(new DataError('No rows.')));
    const hint = expect.stringMatching(/^Data is a \.csv/u) as string;
    expect(JSON.parse(data.stdout)).toEqual({ error: { code: 'data', message: 'No rows.', hint } });
    const gate = await tdc([...ARGV, '--json'], failing(new GateError('No.')));
    expect(JSON.parse(gate.stdout)).toEqual({ error: { code: 'gate', message: 'No.', hint: null } });
  });

  it.each([
    ['an unknown option', ['sweep', '--bogus', '--json']],
    ['an unknown command', ['bogus', '--json']],
    ['no command', ['--json']],
    ['no model', ['inspect', '--json']],
  ])('before the command runs (%s) are one JSON document too', async (_, argv) => {
    const { code, stdout } = await tdc(argv);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } });
  });

  it('heed TDC_JSON', async () => {
    const { stdout } = await tdc(['bogus'], { env: { TDC_JSON: '1' } });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } });
  });
});

describe('results', () => {
  it('are the record and nothing else with --json', async () => {
    const { stdout } = await tdc([...ARGV, '--json'], working());
    expect(JSON.parse(stdout)).toEqual(SWEEP);
    expect(JSON.parse((await tdc(['inspect', 'm', '--json'], working())).stdout)).toEqual(INSPECT);
  });

  it('go to stdout, what was written goes to stderr', async () => {
    const { stdout, stderr } = await tdc(ARGV, { ...working(), cwd: '/project' });
    expect(stdout).toContain('dense_1');
    expect(stdout).not.toContain('wrote');
    expect(stderr).toBe(
      'wrote  reports/m/{sweep.json,report.html}\nnext   tdc recommend  widths that hold a budget together\n',
    );
  });

  it('come alone with --quiet', async () => {
    const { stdout, stderr } = await tdc([...ARGV, '--quiet'], working());
    expect(stdout).not.toBe('');
    expect(stderr).toBe('');
  });

  it('carry escape sequences only on a terminal that wants them', async () => {
    const seen: string[] = [];
    const stdout = { write: (text: string) => seen.push(text), isTTY: true, columns: 100 };
    for (const env of [{}, { NO_COLOR: '1' }, { TERM: 'dumb' }]) await tdc(ARGV, { ...working(), stdout, env });
    expect(seen.map((text) => text.includes('\u001B'))).toEqual([true, false, false]);
    // Colour repeats what words say.
    // oxlint-disable-next-line no-control-regex
    expect(seen[0]?.replace(/\u001B\[\d+m/gu, '')).toBe(seen[1]);
  });

  it('are ASCII where the locale is not UTF-8', async () => {
    const { stdout } = await tdc(ARGV, { ...working(), env: { LC_ALL: 'C' } });
    expect(stdout).toMatch(/^[\n\u0020-\u007E]*$/u);
    const { stdout: utf8 } = await tdc(ARGV, { ...working(), env: { LANG: 'de_DE.UTF-8' } });
    expect(utf8).not.toMatch(/^[\n\u0020-\u007E]*$/u);
  });
});

describe('the context', () => {
  it('quotes the command so that a shell runs it again', async () => {
    const pipeline = spyPipeline();
    await tdc([...ARGV, '--layers', "it's *"], { loadPipeline: async () => pipeline });
    expect(pipeline.asked[0]?.context.command).toBe(String.raw`tdc sweep m --data d.csv --layers 'it'\''s *'`);
  });

  it('holds the clock, the machine and the versions', async () => {
    const pipeline = spyPipeline();
    await tdc(ARGV, { loadPipeline: async () => pipeline, date: () => new Date(86_400_000) });
    expect(pipeline.asked[0]?.context).toMatchObject({
      startedAt: '1970-01-02T00:00:00.000Z',
      machine: { cores: 2 },
      versions: { node: '0', '@tensorflow/tfjs': '4.22.0' },
    });
  });
});
