import { describe, expect, it } from 'vitest';

import { columnsOf } from '../../src/report/pen.js';
import { renderCompressTerminal, renderPlanTerminal } from '../../src/report/terminal.js';
import { compressRecord, GROUPS, heldOut, joint, planCompare, planRecord, planSweep, unit } from './planRecords.js';
import { sweepRecord } from './records.js';

const compare = planCompare();
const sweep = planSweep(compare);
const PLAIN = { columns: 80, unicode: true, color: false };
const ASCII = { columns: 80, unicode: false, color: false };

const RICH = planRecord({
  baseline: {
    name: 'main',
    verdict: 'holds',
    budget: { kind: 'relative', value: 0.01, allowed: 0.005 },
    groups: [{ ...GROUPS[0], k: 24 }, GROUPS[1]],
    planned: joint({ rise: 0.45, bound: 0.8, parameters: 41_000 }),
  },
  likely: joint({ rise: 0.71, bound: 1.1, parameters: 35_000, groups: GROUPS.map((g) => ({ ...g, k: g.k - 2 })) }),
});

function trimmed(text: string): string[] {
  return text.split('\n').map((l) => l.trimEnd());
}

describe('the plan on a terminal', () => {
  it('reads from the headline to the nearest unresolved plan', () => {
    const text = renderPlanTerminal({ plan: RICH, sweep, compare }, PLAIN);
    expect(text).toBe(
      [
        '62 % fewer parameters for 0.55 % more loss',
        '✔ Holds the 1 % budget: measured +0.55 %, at most +0.87 % at 95 %',
        '',
        '  group    width         kept              ordering       saves  costs     main',
        '  dense_1  64 → rank 20  ━━━━━───────────  K-FAC          -34 %    0 %  rank 24',
        '  dense_2  32 → rank 12  ━━━━━━──────────  K-FAC         -7.0 %    0 %        =',
        '  dense_3  16 → 6        ━━━━━━──────────  stored order  -3.0 %  +65 %        –',
        '  logits stays: output layer: its width is the number of classes',
        '',
        '                   original    narrowed      change        main',
        '  parameters        100 000      37 440       -62 %      -8.6 %',
        '  multiply-adds     400 000     149 760       -62 %      -8.6 %',
        '  file              391 KiB     146 KiB       -62 %      -8.6 %',
        '  loss, nats         0.5000      0.5028     +0.55 %     +0.10 %',
        '  accuracy          90.00 %     89.94 %    -0.06 pt    -0.01 pt',
        '',
        '  select     │      ─────────●──────────   ┊  +0.55 %, at most +0.87 %',
        '  report  ─────────────●──────────────     ┊  +0.35 %, at most +0.79 %',
        '             0                             1 %',
        '',
        'At full width retraining alone +0.20 %, at most +0.36 %; the control -0.06 %, at',
        '  most +0.08 %.',
        '? Not resolved: dense_1 rank 18, dense_2 rank 10, dense_3 4 (65 % fewer),',
        '  +0.71 %, at most +1.1 %. About 37 000 examples would settle it; there are',
        '  20 000.',
        '',
      ].join('\n'),
    );
  });

  it('is ASCII where the terminal is: bars of # and ., arrows ->', () => {
    const text = renderPlanTerminal({ plan: RICH, sweep, compare }, ASCII);
    // oxlint-disable-next-line no-control-regex
    expect(text).toMatch(/^[\u0000-\u007f]*$/u);
    expect(text).toContain('\nHolds the 1 % budget: measured');
    expect(text).toContain('64 -> rank 20  ####');
  });

  it('says the same with colour, in escapes around the same characters', () => {
    const colored = renderPlanTerminal({ plan: RICH, sweep, compare }, { ...PLAIN, color: true });
    expect(colored).toContain('\u001b[32m');
    // oxlint-disable-next-line no-control-regex
    const bare = colored.replace(/\u001b\[\d+m/gu, '');
    expect(trimmed(bare)).toEqual(trimmed(renderPlanTerminal({ plan: RICH, sweep, compare }, PLAIN)));
  });

  it('prints verdicts that do not hold in sentences, the contradiction too', () => {
    const open = renderPlanTerminal({ plan: planRecord({ rise: 0.74, bound: 1.9, examplesNeeded: 38_200 }) }, PLAIN);
    expect(open).toContain('\n? Not resolved: 1 % budget\n');
    expect(open.replace(/\s+/gu, ' ')).toContain('About 39 000 examples would settle it');
    const against = renderPlanTerminal({ plan: planRecord({ report: heldOut(1.6, 1.9) }) }, PLAIN);
    expect(against).toContain('✔ Holds the 1 % budget\n✖ contradicted by the report split\n');
    expect(renderPlanTerminal({ plan: planRecord({ report: heldOut(1.6, 1.9) }) }, ASCII)).toContain(
      '\nx contradicted by the report split\n',
    );
  });

  it('says what a share is a share of where the original has another loss on the report split', () => {
    const unlike = heldOut(0.6, 0.9, { original: { loss: 1, se: 0.01, metrics: {} } });
    const told = (report: typeof unlike): string =>
      renderPlanTerminal({ plan: planRecord({ report }) }, PLAIN).replace(/\s+/gu, ' ');
    // 0.6 % of the 0.5 on select
    expect(told(unlike)).toContain(
      "Every % is of the original's 0.500 nats on select; of its 1.00 nats on the report rows the rise is +0.30 %.",
    );
    expect(told(heldOut(0.6, 0.9))).not.toContain('Every %');
  });

  it('says that a control which no epoch made better is the original', () => {
    const control = { loss: 0.5, se: 0.01, metrics: {}, delta: 0, deltaSe: 0, upper95: 0 };
    const feasibility = { ...planRecord().feasibility, control };
    const text = renderPlanTerminal({ plan: planRecord({ control, feasibility }) }, PLAIN).replace(/\s+/gu, ' ');
    expect(text).toContain('the control nothing: no epoch was better than the original.');
  });

  it('asks for no number of examples that nobody has', () => {
    const text = renderPlanTerminal({ plan: planRecord({ rise: 0.999, bound: 1.9, examplesNeeded: 9e9 }) }, PLAIN);
    expect(text.replace(/\s+/gu, ' ')).toMatch(
      /no number of examples to be had would settle it\. It would hold a budget of 1\.9.%\./u,
    );
    expect(text).not.toMatch(/About [\d\s]+ examples/u);
  });

  it('does not call lossless what unseen examples saw a loss of', () => {
    const lossy = heldOut(0.6, 0.7, { low95: 0.001 });
    const first = (report: typeof lossy): string =>
      renderPlanTerminal({ plan: planRecord({ rise: 0.2, bound: 0.9, report }) }, PLAIN)
        .split('\n\n')[0]
        .replace(/\s+/gu, ' ');
    expect(first(lossy)).toContain('at most +0.90 % (+0.60 % on unseen examples)');
    expect(first(heldOut(0.2, 0.9))).toContain('no measurable loss (at most +0.90 %)');
  });

  it('leaves saves and costs out where no single curve is at hand', () => {
    const text = renderPlanTerminal({ plan: planRecord() }, PLAIN);
    expect(text).not.toContain('saves');
    expect(text).toContain('64 → rank 20');
  });

  it.each([80, 60, 40])('fits %i columns, whatever the names and however many groups', (columns) => {
    const long = 'a_layer_name_of_seventy_characters_inside_of_a_nested_encoder_block_007';
    const names = [long, '畳み込み層', '\u202eevil\u001b[31m'];
    const groups = Array.from({ length: 34 }, (_, i) =>
      unit(`${names[i % 3]}${i}`, 4096, 17 + i, { basis: names[i % 3] }),
    );
    const plan = planRecord({
      groups,
      baseline: { ...RICH.baseline!, name: long, groups },
      skipped: [{ layer: long, reason: names[1] }],
      metrics: [{ name: long, better: 'lower' }],
      original: { loss: 0.5, se: 0.01, metrics: { [long]: 3.25 }, parameters: 1e9, macs: 1e12, bytes: 4e9 },
      model: { name: long, digest: 'x', parameters: 1e9, macs: 1e12, bytes: 4e9 },
    });
    for (const unicode of [true, false]) {
      const text = renderPlanTerminal({ plan, sweep: sweepRecord([]) }, { columns, unicode, color: false });
      expect(text.split('\n').filter((line) => columnsOf(line) > columns)).toEqual([]);
      expect(text).toContain('4 more groups in the report');
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u001b\u202e]/u);
    }
  });
});

describe('the compressed model on a terminal', () => {
  it('tells before and after, the parity check, what storing adds, and milliseconds', () => {
    const record = compressRecord(undefined, {
      quantisation: { dtype: 'uint8', delta: 0.0001, deltaSe: 0.0001, upper95: 0.000_26 },
      batchNorm: 're-estimated',
    });
    const text = renderCompressTerminal(record, PLAIN, { milliseconds: { original: 1.23, compressed: 0.61 } });
    expect(text).toBe(
      [
        'tiny: 62 % fewer parameters',
        'Kept: dense_1 rank 20, dense_2 rank 12, dense_3 6',
        '',
        '                     original    compressed        change',
        '  parameters          100 000        37 440         -62 %',
        '  multiply-adds       400 000       149 760         -62 %',
        '  weights             391 KiB       146 KiB         -62 %',
        '  files on disk       402 KiB       151 KiB         -62 %',
        '  one example         1.23 ms      0.610 ms         -50 %',
        '',
        '✔ The file is the measured model: outputs differ by at most 2.4e-7, 2.9e-8 of',
        '  the largest, on 256 examples.',
        "Weights: the original's weights, not tuned.",
        'Storing them as uint8 adds +0.00010 nats, at most +0.00026 nats.',
        'Statistics of BatchNormalization were taken anew from train rows.',
        '',
      ].join('\n'),
    );
  });

  it('is ASCII where the terminal is, without milliseconds, tuned', () => {
    const text = renderCompressTerminal(compressRecord(undefined, { tuned: true }), ASCII);
    // oxlint-disable-next-line no-control-regex
    expect(text).toMatch(/^[\u0000-\u007f]*$/u);
    expect(text).toContain('Weights: those trained at these widths.');
    expect(text).not.toContain('one example');
  });

  it.each([
    [0.9, '✔ Holds the 1 % budget: measured +0.55 %, at most +0.90 % at 95 %'],
    [1.6, '? Not resolved: 1 % budget'],
  ])('says whether its plan, whose bound is %s %, holds', (bound, said) => {
    const plan = planRecord({ rise: 0.55, bound });
    const text = renderCompressTerminal(compressRecord(plan), PLAIN, { plan });
    expect(text.split('\n').slice(0, 3).join('\n')).toContain(said);
  });

  it('a model that did not shrink is told without a saving', () => {
    const groups = GROUPS.map((g) => ({ ...g, k: g.n }));
    const plan = planRecord({ groups, parameters: 100_000 });
    const text = renderCompressTerminal(compressRecord(plan, { groups }), PLAIN);
    expect(text).toContain('tiny: 0 % fewer parameters\nKept: every layer whole\n');
  });
});
