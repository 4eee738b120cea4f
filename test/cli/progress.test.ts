import { PassThrough } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { liveProgress } from '../../src/cli/progress.js';
import { canMove } from '../../src/cli/terminal.js';
import type { RunContext, RunEvent } from '../../src/pipeline/types.js';
import { spyPipeline, tdc } from './world.js';

const EVENTS: readonly RunEvent[] = [
  { type: 'note', text: 'backend wasm on cpu' },
  { type: 'warning', text: 'is the scale right?' },
  { type: 'start', stage: 'retrain', detail: '2 groups' },
  { type: 'progress', stage: 'retrain', done: 1, total: 4, loss: 0.25, detail: 'epoch 1 of 4' },
  { type: 'end', stage: 'retrain', detail: '4 epochs', reused: false, seconds: 61.25 },
  { type: 'start', stage: 'sweep', detail: '2 groups' },
  { type: 'progress', stage: 'sweep', done: 3, total: 4 },
  { type: 'end', stage: 'sweep', detail: 'same model, data, options and seed', reused: true, seconds: 0 },
  { type: 'end', stage: 'report', detail: 'report.html', reused: false, seconds: 754.4 },
];

async function stderrOf(flags: readonly string[], clock: { now: number } = { now: 0 }, step = 0): Promise<string> {
  const pipeline = spyPipeline((context: RunContext) => {
    for (const event of EVENTS) {
      clock.now += step;
      context.onEvent(event);
    }
  });
  const { stderr } = await tdc(['sweep', 'm', '--data', 'd', ...flags], {
    loadPipeline: async () => pipeline,
    now: () => clock.now,
  });
  return stderr.replace(/^(?:wrote|next).*\n/gmu, '');
}

describe('progress without a terminal', () => {
  it('is one line per stage, note and warning', async () => {
    expect(await stderrOf([])).toBe(
      [
        'backend wasm on cpu',
        'warning  is the scale right?',
        'retrain    4 epochs                                                   61.3 s',
        'sweep      reused: same model, data, options and seed',
        'report     report.html                                           12 min 34 s',
        '',
      ].join('\n'),
    );
  });

  it('gives a sign of life, with the time left, in a stage that takes long', async () => {
    const stderr = await stderrOf([], { now: 0 }, 20_000);
    expect(stderr).toContain('\nretrain    epoch 1 of 4, loss 0.250, 25 %, 60.0 s left\n');
    expect(stderr).toContain('\nsweep      step 3 of 4, 75 %, 6.7 s left\n');
  });

  it('is only warnings with --quiet', async () => {
    expect(await stderrOf(['--quiet'])).toBe('warning  is the scale right?\n');
  });
});

describe('progress on a terminal', () => {
  it('moves on one line, shows stage, steps, loss and time left, and leaves the finished stages', async () => {
    const stream = Object.assign(new PassThrough(), {
      isTTY: true,
      columns: 80,
      clearLine: () => true,
      cursorTo: () => true,
      moveCursor: () => true,
    });
    const frames: string[] = [];
    stream.on('data', (chunk: Buffer) => frames.push(chunk.toString()));
    const written: string[] = [];
    let now = 0;
    const world = { now: () => now, stderr: { write: (text: string) => written.push(text) } };
    const progress = await liveProgress(world, stream);
    for (const event of EVENTS) {
      now += 1000;
      progress.onEvent(event);
      // A spinner paints every 80 ms.
      if (event.type === 'progress') await new Promise((resolve) => setTimeout(resolve, 200));
    }
    progress.stop();
    expect(frames.join('')).toContain('retrain  epoch 1 of 4, loss 0.250, 25 %, 3.0 s left');
    expect(written).toHaveLength(EVENTS.filter(({ type }) => ['note', 'warning', 'end'].includes(type)).length);
  });
});

describe('canMove', () => {
  it.each([
    ['a terminal', { isTTY: true, columns: 80 }, {}, true],
    ['a pipe', {}, {}, false],
    ['a dumb terminal', { isTTY: true, columns: 80 }, { TERM: 'dumb' }, false],
    ['a terminal without a width', { isTTY: true, columns: 0 }, {}, false],
  ])('of %s', (_, stream, env, expected) => {
    expect(canMove(stream, env)).toBe(expected);
  });
});
