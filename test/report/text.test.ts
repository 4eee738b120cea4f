import { describe, expect, it } from 'vitest';

import { columnsOf } from '../../src/report/pen.js';
import { bar, renderSummary, sparks } from '../../src/report/summary.js';
import { renderTerminal } from '../../src/report/terminal.js';
import { viewReport } from '../../src/report/view.js';
import { curve, falling, sweepRecord, twoGroups } from './records.js';

const LONG = {
  name: 'an_encoder_block_with_a_name_of_seventy_characters_and_then_some/dense_1',
  curves: [falling(64, 0.1)],
};
const WIDE = { name: '層'.repeat(30), curves: [falling(8, 0.1)] };
const OPEN = {
  name: 'open',
  curves: [
    curve([
      [0, 90],
      [4, 0.8, 5],
      [8, 0],
    ]),
  ],
};

const INPUTS = {
  plain: { sweep: twoGroups() },
  'long and wide names': {
    sweep: sweepRecord([LONG, WIDE, OPEN], { skipped: [{ layer: LONG.name, reason: 'because '.repeat(30) }] }),
  },
  'no groups': { sweep: sweepRecord([]) },
  'a loss of 0': { sweep: twoGroups({ original: { loss: 0, se: 0, metrics: {} } }) },
};

describe('the terminal', () => {
  for (const [name, input] of Object.entries(INPUTS)) {
    it.each([200, 80, 60])(`keeps to 80 columns or less: ${name}, in a terminal of %d`, (columns) => {
      for (const unicode of [true, false]) {
        const lines = renderTerminal(input, { columns, unicode, color: false }).split('\n');
        expect(lines.filter((line) => columnsOf(line) > Math.min(80, columns))).toEqual([]);
      }
    });
  }

  it('says the same with and without colour', () => {
    const options = { columns: 80, unicode: true };
    const colored = renderTerminal(INPUTS.plain, { ...options, color: true });
    expect(colored).toContain('\u001b[1m');
    // oxlint-disable-next-line no-control-regex
    expect(colored.replace(/\u001b\[\d+m/gu, '').replace(/ +$/gmu, '')).toBe(
      renderTerminal(INPUTS.plain, { ...options, color: false }),
    );
  });

  it('is ASCII where the terminal is, and has no typographic minus or space anywhere', () => {
    const input = { sweep: sweepRecord([WIDE, OPEN]) };
    // oxlint-disable-next-line no-control-regex
    expect(renderTerminal(input, { columns: 80, unicode: false, color: false })).toMatch(/^[\u0020-\u007e\n]*$/u);
    expect(renderTerminal(input, { columns: 80, unicode: true, color: false })).not.toMatch(/[\u2212\u00a0\u202f]/u);
  });

  it('lets no escape sequence of a record through', () => {
    const input = { sweep: sweepRecord([{ ...OPEN, name: '\u001b[2J\u001b]0;x\u0007' }]) };
    expect(renderTerminal(input, { columns: 80, unicode: true, color: false })).not.toContain('\u001b');
  });

  it('shows headline, widths, what stays, the model and what retraining did', () => {
    const text = renderTerminal(INPUTS.plain, { columns: 80, unicode: true, color: false });
    expect(text).toMatch(/^Alone, dense_1 needs 9 of 16 units for 1 %\n/u);
    expect(text).toMatch(/dense_1 +16 → 9 +━+─+ +-7\.0 % +\+0\.49 % +\+0\.66 %/u);
    expect(text).toContain('logits stays: output layer');
    expect(text).toMatch(/loss, nats +0\.5000 +0\.5010 +0\.4990/u);
    expect(text).toMatch(/retrained .*●.*\+0\.20 %, at most \+0\.37 %/u);
  });
});

describe('the summary', () => {
  const view = viewReport(INPUTS.plain);
  const text = renderSummary(view);

  it('starts with a hidden marker and the headline', () => {
    expect(text.split('\n').slice(0, 2)).toEqual([
      '<!-- tdc-report tiny -->',
      '### tiny: Alone, dense&#95;1 needs 9 of 16\u00a0units for 1\u00a0%',
    ]);
  });

  it('is text only: no image and no address', () => {
    expect(text).not.toMatch(/!\[|<img|https?:|data:/u);
  });

  it('draws `▁` exactly where the bound is inside the budget', () => {
    const group = view.groups[0];
    if (group === undefined) throw new Error('no group');
    const line = Array.from(sparks(view, group));
    expect(line).toHaveLength(48);
    // dense_1 of 16 holds from k = 9 on: column 47 * 9 / 16 = 26.4.
    expect(line.findIndex((c) => c === '▁')).toBe(27);
    expect(new Set(line.slice(27))).toEqual(new Set(['▁']));
    expect(line.slice(0, 27)).not.toContain('▁');
  });

  it('names every layer that stays', () => {
    expect(text).toContain('logits stays: output layer');
  });
});

it('lists layers that stay for one reason together, the first eight by name', () => {
  const skipped = Array.from({ length: 11 }, (_, i) => ({ layer: `add_${i}`, reason: 'a residual sum' }));
  const text = renderTerminal({ sweep: twoGroups({ skipped }) }, { columns: 80, unicode: true, color: false });
  expect(text.replace(/\s+/gu, ' ')).toContain('add_6, add_7, … and 3 more stay: a residual sum');
});

it.each([
  [0, 10, '░░░░░░░░░░░░'],
  [1, 1000, '█░░░░░░░░░░░'],
  [5, 10, '██████░░░░░░'],
  [10, 10, '████████████'],
])('a bar of %d of %d is %s', (k, n, expected) => {
  expect(bar(k, n)).toBe(expected);
});
