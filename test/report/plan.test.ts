import { beforeAll, describe, expect, it } from 'vitest';

import { COLORS } from '../../src/report/colors.js';
import { likelyNeeds } from '../../src/report/planClaims.js';
import { viewPlan } from '../../src/report/planView.js';
import { toText, type Phrase } from '../../src/report/phrase.js';
import { renderReport, type RenderedReport } from '../../src/report/render.js';
import type { ReportInput } from '../../src/report/source.js';
import { viewReport } from '../../src/report/view.js';
import { evidence, headline, pills, SIGNS } from '../../src/report/words.js';
import type { JointMeasured, PlanRecord, SweepRecord } from '../../src/records/types.js';
import {
  compressRecord,
  costOf,
  GROUPS,
  heldOut,
  joint,
  ONE_PERCENT,
  planCompare,
  planRecord,
  planSweep,
  rank,
  unit,
  type MadePlan,
} from './planRecords.js';
import { ORIGINAL_LOSS, retrainRecord, RUN, sweepRecord } from './records.js';

const compare = planCompare();
const sweep = planSweep(compare);
const OF = 0.01 * ORIGINAL_LOSS;

const narrower = GROUPS.map((g) => ({ ...g, k: g.k - 2 }));
const BASELINE: NonNullable<PlanRecord['baseline']> = {
  name: 'main@1c9e2f7',
  verdict: 'holds',
  budget: ONE_PERCENT,
  groups: [rank('dense_1', 64, 24), rank('dense_2', 32, 12)],
  planned: joint({ rise: 0.45, bound: 0.8, parameters: 41_000 }),
};

function plain(html: string): string {
  return html
    .replaceAll(/<[^>]*>/gu, '')
    .replaceAll(/[\u00a0\u202f]/gu, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('\u2212', '-');
}

function textOf(words: Phrase): string {
  return plain(toText(words));
}

interface Told {
  readonly title: string;
  readonly pills: string[];
  readonly evidence: string;
}

/** The headline's words, without drawing anything. */
function told(made: MadePlan, more: Partial<ReportInput> = {}): Told {
  const view = viewReport({ plan: planRecord(made), sweep, ...more });
  return {
    title: textOf(headline(view)),
    pills: pills(view).map((p) => `${SIGNS[p.verdict]} ${textOf(p.text)}`),
    evidence: textOf(evidence(view)),
  };
}

function rendered(made: MadePlan, more: Partial<ReportInput> = {}): Promise<RenderedReport> {
  return renderReport({ plan: planRecord(made), sweep, ...more });
}

describe('the verdict of a plan', () => {
  it('holds: saving and cost, the bound, and what unseen examples say', async () => {
    const { title, pills: marks, evidence: lead } = told({});
    expect(title).toBe('62 % fewer parameters for 0.55 % more loss');
    expect(marks).toEqual(['✔ Holds the 1 % budget']);
    expect(lead).toBe(
      'Measured on 20 000 examples with all groups narrowed together: loss +0.55 %, at most +0.87 % with 95 % confidence. On 10 000 examples that decided nothing: +0.35 %, at most +0.79 %.',
    );
  });

  it('is not resolved: what would settle it, and the narrowest plan that holds', async () => {
    const {
      title,
      pills: marks,
      evidence: lead,
    } = told({
      rise: 0.74,
      bound: 1.87,
      parameters: 33_000,
      rows: { steering: 2000, bounding: 2000 },
      examplesNeeded: 38_200,
      report: heldOut(0.35, 0.84),
    });
    expect(title).toBe('67 % fewer parameters, but 2000 examples cannot tell whether 1 % holds');
    expect(marks).toEqual(['? Not resolved: 1 % budget']);
    expect(lead).toContain('loss +0.74 % is inside the budget, its 95 % bound +1.9 % is not.');
    expect(lead).toContain('About 39 000 examples would settle it, if the rise stays; so would a budget of 1.9 %.');
    expect(lead).toContain(
      'The narrowest measured plan that holds: dense_1 rank 22, dense_2 rank 13, dense_3 7 (-58 %).',
    );
  });

  it('breaks: what it costs', async () => {
    const { title, pills: marks, evidence: lead } = told({ rise: 5.9, bound: 6.9, parameters: 18_000 });
    expect(title).toBe('82 % fewer parameters cost 5.9 % more loss');
    expect(marks).toEqual(['✖ Breaks the 1 % budget']);
    expect(lead).toContain('loss +5.9 % (bound +6.9 %); the budget is 1 %.');
  });

  it('nothing narrower holds: which group stops it and what budget would do', async () => {
    const {
      title,
      pills: marks,
      evidence: lead,
    } = told({
      rise: 2.1,
      bound: 2.4,
      parameters: 90_000,
      feasible: false,
      stopped: { group: 'dense_2', budget: 0.0118 },
    });
    expect(title).toBe('Every layer needs its width: nothing narrower holds 1 %');
    expect(marks).toEqual(['✖ No narrower plan holds the 1 % budget']);
    expect(lead).toContain(
      'The nearest, dense_1 rank 20, dense_2 rank 12, dense_3 6 (10 % fewer parameters): loss +2.1 %',
    );
    // 0.0118 of 0.5 is 2.36 %, and a bound rounds up.
    expect(lead).toContain('dense_2 stops it: as wide as it may be, it costs most. A budget of 2.4 % would do.');
  });

  it('nothing was free to be narrowed: says so, claims no verdict and draws no gauge', async () => {
    const whole = GROUPS.map((g) => ({ ...g, k: g.n }));
    const made = { rise: 0, bound: 0, parameters: 100_000, groups: whole };
    const { title, pills: marks } = told(made);
    const report = await rendered(made);
    expect(title).toBe('Nothing here is free to be narrowed');
    expect(marks).toEqual(['? Every group is at the least width allowed']);
    expect(report.html).not.toContain('id="gauge"');
    expect(report.html.match(/<span class="soft">whole<\/span>/gu)).toHaveLength(3);
  });

  it('the report split contradicts: a second pill, and its lower bound', async () => {
    const { pills: marks, evidence: lead } = told({ report: heldOut(1.6, 1.9) });
    const report = await rendered({ report: heldOut(1.6, 1.9) });
    expect(marks).toEqual(['✔ Holds the 1 % budget', '✖ contradicted by the report split']);
    expect(lead).toContain('On 10 000 examples that decided nothing it does not hold: +1.6 %, at least +1.2 %.');
    expect(report.summary.split('\n')[1]).toMatch(/^### ❌/u);
  });

  it.each([
    [{ rise: 0.1, bound: 0.3 }, '62 % fewer parameters, no measurable loss (at most +0.30 %)'],
    [{ rise: -1.2, bound: -0.7 }, '62 % fewer parameters and 1.2 % less loss'],
    [{ parameters: 37_001 }, '62 % fewer parameters for 0.55 % more loss'],
    [{ parameters: 99_001 }, '0.99 % fewer parameters for 0.55 % more loss'],
    [{ minimize: 'macs' as const }, '62 % fewer multiply-adds for 0.55 % more loss'],
  ])('%o reads %s: savings round down', async (made, expected) => {
    expect(told(made).title).toBe(expected);
  });

  it.each([
    [{ rise: 0.55, bound: 0.87 }, '62 % fewer parameters for 0.55 % more loss; mere training gives 1.2 % less loss'],
    [{ rise: -2, bound: -1.5 }, '62 % fewer parameters and 2.0 % less loss; 1.2 % of it is mere training'],
    [
      { rise: -0.8, bound: -0.5 },
      '62 % fewer parameters and 0.80 % less loss; mere training at full width gives all of it (1.2 % less loss)',
    ],
  ])('where the control beats the original, the headline says what is mere training: %o', async (made, expected) => {
    const control = { loss: 0.494, se: 0.01, metrics: {}, delta: -1.2 * OF, deltaSe: 0.0005, upper95: -OF };
    expect(told({ ...made, control, weights: 'retrained' }).title).toBe(expected);
  });
});

describe('the unit of a plan is its budget', () => {
  it('abs: the loss’s unit everywhere', async () => {
    const made: MadePlan = { budget: { kind: 'abs', value: 0.005, allowed: 0.005 } };
    const { title, pills: marks } = told(made);
    const report = await rendered(made);
    expect(title).toBe('62 % fewer parameters for 0.0028 nats more loss');
    expect(marks).toEqual(['✔ Holds the 0.005 nats budget']);
    expect(report.html).toContain('budget +0.005\u00a0nats');
    expect(report.html).toContain('loss above the original, nats');
    expect(plain(report.html)).not.toContain('+0.55 %');
  });

  it('explained: a share of what the model explains, also where the loss of the original is 0', async () => {
    const zero = { loss: 0, se: 0, metrics: { accuracy: 1 } };
    const allowed = 0.018;
    const made: MadePlan = {
      budget: { kind: 'explained', value: 0.01, allowed },
      original: { ...zero, ...costOf(100_000), macs: 400_000, bytes: 400_000 },
      loss: { name: 'kullbackLeiblerDivergence', unit: 'nats' },
    };
    const more = { sweep: { ...sweep, original: zero } };
    const { title, pills: marks } = told(made, more);
    const report = await rendered(made, more);
    // 0.00275 of an allowed 0.018, which is 1 %.
    expect(title).toBe('62 % fewer parameters for 0.15 % less explained');
    expect(marks).toEqual(['✔ Holds the budget of 1 % of what the model explains']);
    expect(report.html).toContain('loss, % of what the original explains');
    expect(report.html).not.toMatch(/NaN|Infinity/u);
  });

  it('metric: points of a share on every axis, single curves without a bound, and nothing judged alone', async () => {
    const measured = withAccuracy(sweep);
    const plan = metricPlan();
    const { html, summary } = await renderReport({ plan, sweep: measured });
    expect(plain(/<h1>([\s\S]*?)<\/h1>/u.exec(html)?.[1] ?? '')).toBe(
      '62 % fewer parameters for 0.20 pt less accuracy',
    );
    expect(html).toContain('✔ Holds the budget of 0.5\u00a0pt of accuracy');
    expect(html).toContain('loss of accuracy, pt');
    expect(html).not.toContain('loss above the original');
    expect(html).not.toContain('Alone, ');
    // The page's readouts tell bounds: without bounds there is no script.
    expect(html).not.toContain('<script');
    expect(summary).not.toMatch(/NaN|Infinity/u);
    const view = viewReport({ plan, sweep: measured });
    expect(view.scale.budget).toBeNull();
    expect(view.line).toBeCloseTo(0.5, 12);
    const point = view.groups[0]?.chief.points[0];
    expect(point?.rise).toBeCloseTo(100 * (0.9 - (point?.source.metrics['accuracy'] ?? 0)), 12);
  });

  it('metric: each record’s curves are read against its own original, whose rows may be others', () => {
    const measured = withAccuracy(sweep);
    // The sweep's original scores 0.9 on all of select, the plan's 0.88 on its half.
    const plan = { ...metricPlan(), original: { ...planRecord().original, metrics: { accuracy: 0.88 } } };
    const full = viewReport({ plan, sweep: measured }).groups[0]?.chief.points.at(-1);
    const change = (full?.source.delta ?? 0) / 10;
    expect(full?.rise).toBeCloseTo(100 * change, 12);
  });

  it('metric: curves that lack it are left out', () => {
    const bare: SweepRecord = {
      ...sweep,
      groups: sweep.groups.map((g) => ({
        ...g,
        curves: g.curves.map((c) => ({ ...c, points: c.points.map((p) => ({ ...p, metrics: {} })) })),
      })),
    };
    expect(viewReport({ plan: metricPlan(), sweep: bare }).groups).toEqual([]);
  });
});

/** Every point loses a tenth of its rise in accuracy. */
function withAccuracy(record: SweepRecord): SweepRecord {
  return {
    ...record,
    groups: record.groups.map((g) => ({
      ...g,
      curves: g.curves.map((c) => ({
        ...c,
        points: c.points.map((p) => ({ ...p, metrics: { accuracy: 0.9 - p.delta / 10 } })),
      })),
    })),
  };
}

function small(j: JointMeasured): JointMeasured {
  return { ...j, delta: j.delta * 0.4, upper95: j.upper95 * 0.4 };
}

function metricPlan(): PlanRecord {
  const base = planRecord();
  const rise = { delta: 0.002, deltaSe: 0.001, upper95: 0.0037 };
  const { control: _c, retrained: _r, ...rest } = base;
  return {
    ...rest,
    budget: { kind: 'metric', value: 0.005, allowed: 0.005 },
    verdict: 'holds',
    planned: { ...base.planned, ...rise, metrics: { accuracy: 0.898 } },
    frontier: base.frontier.map(small),
    feasibility: { smallest: small(base.feasibility.smallest), optimistic: base.feasibility.optimistic },
    report: { ...base.report, delta: 0.001, upper95: 0.004, low95: -0.002, high95: 0.005 },
  };
}

describe('the page of a plan', () => {
  let full: RenderedReport;
  beforeAll(async () => {
    const plan = planRecord({
      baseline: BASELINE,
      likely: joint({ rise: 0.71, bound: 1.1, parameters: 35_000, groups: narrower }),
    });
    full = await renderReport({
      plan,
      sweep,
      compare,
      retrain: retrainRecord(sweep),
      run: RUN,
      compress: compressRecord(plan),
    });
  });

  it('answers in order: widths, orderings, trust, provenance', () => {
    const headings = [...full.html.matchAll(/<h2>([^<]*)<\/h2>/gu)].map((m) => m[1]);
    expect(headings).toEqual([
      'How much width each layer uses',
      'Which ordering keeps the most at the same cost',
      'How far to trust it',
      'Where it comes from',
    ]);
  });

  it('tells each group’s width, ordering, what it saves and costs alone, and the baseline’s', () => {
    const [, row = ''] = /<tr><th class="l nb" scope="row"><bdi>dense_1<\/bdi>([\s\S]*?)<\/tr>/u.exec(full.html) ?? [];
    // planCompare(): rank 20 of dense_1 costs 100 000 - 64 000 + 1500 * 20 = 66 000 parameters.
    expect(plain(row)).toBe('64 → rank 20K-FAC-34 %0 %rank 24');
    expect(full.html).toContain('Thin bar: a rank.');
    expect(full.summary).toContain(
      '| **dense&#95;2** | 32 → **rank 12** | `█████░░░░░░░` | K-FAC | −7.0\u00a0% | 0\u00a0% | = |',
    );
  });

  it('compares the whole model with the baseline’s', () => {
    const [, row = ''] = /<th class="l" scope="row">Parameters<\/th>([\s\S]*?)<\/tr>/u.exec(full.html) ?? [];
    // 37 440 is 8.68 % less than 41 000; a saving rounds down.
    expect(plain(row)).toBe('100 00037 440-62 %-8.6 %');
  });

  it('lists what stays with its reason', () => {
    expect(plain(full.html)).toContain('stays: output layer: its width is the number of classes');
    expect(full.summary).toMatch(/<sub>logits stays: output layer&#58;.? its width is the number of classes\.<\/sub>/u);
  });

  it('marks the plan on the curve it stands on', () => {
    const view = viewReport({ plan: planRecord(), sweep, compare });
    const first = view.groups.find((g) => g.name === 'dense_1');
    expect(first?.chief.curve).toMatchObject({ basis: 'kfac', kind: 'rank', n: 64 });
    expect(first?.plan).toMatchObject({ point: { k: 20 } });
    expect(full.html).toMatch(
      /aria-label="dense_1: rise of the loss against rank kept, K-FAC. The plan keeps 20 of 64./u,
    );
    expect(full.html).toContain('<b>rank 20</b> of 64');
  });

  it('draws the gauge, every step and every joint model, and no picture of tuning without any', () => {
    for (const id of ['gauge', 'steps', 'frontier']) expect(full.html).toContain(`id="${id}"`);
    expect(full.html).not.toContain('id="tuning"');
    expect(full.html).toMatch(/aria-label="11 joint models: 5 hold, 1 not resolved, 5 break the budget/u);
  });

  it('draws cost against loss before and after tuning where models were tuned', async () => {
    const groups = narrower;
    const frontier = [
      ...planRecord().frontier,
      joint({ rise: 3, bound: 3.3, parameters: 30_000, groups }),
      joint({ rise: 0.4, bound: 0.7, parameters: 30_000, groups, tuned: true }),
    ];
    const tuning = { epochs: 3, learningRate: 0.0003, tried: 1 };
    const made = { rise: 0.4, bound: 0.7, parameters: 30_000, groups, tuned: true, frontier, tuning };
    const { evidence: lead } = told(made);
    const report = await rendered(made);
    expect(report.html).toContain('id="tuning"');
    expect(lead).toContain('narrowed together and tuned at their widths for 3 epochs: loss +0.40 %');
    expect(plain(report.html)).toContain('Before tuning the same widths cost +3.0 %, at most +3.3 %.');
    expect(report.html).toContain('>narrowed, tuned</th>');
  });

  it('says what the figures are worth', () => {
    const text = plain(full.html);
    // predicted: 1.2 times the joint rise.
    expect(text).toContain(
      "The groups' own rises add up to +0.66 %; the jointly narrowed model was measured at +0.55 %.",
    );
    expect(text).toContain(
      '24 joint models were tried: picking the narrowest that holds makes the bound on select lean low.',
    );
    expect(text).toContain('They were read once, after every decision.');
    expect(text).toContain('Narrower is likely, not resolved.');
    expect(text).toContain('One seed.');
    expect(text).toContain('Largest difference of an output 2.4e-7 (2.9e-8 of the largest) on 256 examples');
    expect(text).toContain('accuracy -0.10 pt (-0.40 to +0.20)');
    expect(text).toContain('What could be had at all');
    expect(text).toContain('report 400 (read once)');
  });

  it('counts readings of the report split, and trusts it less', async () => {
    const report = await rendered({ report: heldOut(0.35, 0.79, { reads: 3 }) });
    expect(plain(report.html)).toContain('They were read 3 times for a plan in this folder');
    expect(report.html).toMatch(/<span class="m unresolved">\?<\/span><b>The report split confirms it\.<\/b>/u);
  });

  it('tells changes per class', async () => {
    const classes = [
      { label: 'boot', examples: 900, delta: -0.02, low95: -0.03, high95: -0.01 },
      { label: 'shirt', examples: 800, delta: 0, low95: -0.01, high95: 0.01 },
    ];
    const report = await rendered({ report: heldOut(0.35, 0.79, { classes }) });
    expect(plain(report.html)).toContain('Worse for sure: boot.');
    expect(plain(report.html)).toContain('accuracy of shirt8000.00 pt (-1.00 to +1.00)');
  });

  it('fetches nothing, has unique ids and only colours of the table', () => {
    const { html } = full;
    expect(html).not.toMatch(/ style="| on[a-z]+="|<script src|<link rel="stylesheet"|@import|url\(/u);
    const ids = [...html.matchAll(/ id="([^"]*)"/gu)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
    const lights = new Set<string>(Object.values(COLORS).map((r) => r.light));
    const used = [...html.matchAll(/(?:fill|stroke)="(#[0-9a-f]+)"/gu)].map((m) => m[1] ?? '');
    expect(used.filter((c) => !lights.has(c))).toEqual([]);
  });

  it('stands on the plan alone', async () => {
    const { html, summary, scree } = await renderReport({ plan: planRecord() });
    expect(html).toContain('62\u00a0% fewer parameters');
    expect(html).not.toContain('How much width each layer uses');
    expect(summary).toContain('| **dense&#95;3** | 16 → **6** |');
    expect(scree).toContain('</svg>');
  });
});

describe('choices that no single curve shows', () => {
  it('a width between measured ones has a hollow dot, a saving and no cost', async () => {
    const thin: SweepRecord = {
      ...sweep,
      groups: sweep.groups.map((g) => ({
        ...g,
        curves: g.curves.map((c) => ({ ...c, points: c.points.filter((p) => p.k % 4 === 0) })),
      })),
    };
    const plan = planRecord({ groups: [unit('dense_1', 64, 22)], weights: 'retrained' });
    const view = viewReport({ plan, sweep: thin });
    const group = view.groups.find((g) => g.name === 'dense_1');
    expect(group?.plan?.point).toBeUndefined();
    expect(group?.plan?.rise).toEqual(expect.any(Number));
    const { summary, html } = await renderReport({ plan, sweep: thin });
    // Units cost 1000 each: 42 of them are 42 %.
    expect(summary).toContain('| TailDropout | −42\u00a0% | – |');
    expect(html).toContain('○ lies between measured widths.');
  });

  it('says by how many rows single curves were measured, where those are fewer than steered', async () => {
    const plan = planRecord();
    const { schema: _, ...head } = sweepRecord([]);
    const html = async (rows: number): Promise<string> => {
      const candidates = { ...head, schema: 'tdc/candidates' as const, missing: [], rows };
      return (await renderReport({ plan, candidates })).html.replace(/\s+/gu, ' ');
    };
    expect(await html(1000)).toMatch(
      /20.000 rows that steered \(single curves by 1.?000 of them\) and 20.000 that gave/u,
    );
    expect(await html(20_000)).toMatch(/20.000 rows that steered and 20.000 that gave/u);
  });

  it('units replaced by their mean are not told by a curve of zeros, but by the candidates', () => {
    const plan = planRecord({ groups: [unit('dense_1', 64, 20, { folded: true })] });
    const zeros = viewReport({ plan, sweep }).groups.find((g) => g.name === 'dense_1');
    expect(zeros?.plan).toMatchObject({ rise: null });
    const { schema: _s, skipped: _k, ...head } = sweep;
    const candidates = { ...head, schema: 'tdc/candidates' as const, missing: [] };
    const means = viewReport({ plan, sweep, candidates }).groups.find((g) => g.name === 'dense_1');
    expect(means?.plan).toMatchObject({ point: { k: 20 } });
  });

  it('a kernel of its own stands under its layer’s name', () => {
    const plan = planRecord({ groups: [...GROUPS, rank('dense_1b', 64, 9, { layer: 'dense_1' })] });
    const view = viewReport({ plan, sweep, compare });
    expect(view.groups.find((g) => g.name === 'dense_1b')?.plan).toMatchObject({ point: { k: 9 } });
  });

  it('the examples that would settle the likely plan follow from its bound', () => {
    const likely = joint({ rise: 0.5, bound: 1.5, parameters: 30_000 });
    const plan = viewPlan(planRecord({ likely }));
    // (1.0 / 0.5)² times 20 000.
    expect(likelyNeeds(plan)).toBe(80_000);
    expect(
      likelyNeeds(viewPlan(planRecord({ likely: joint({ rise: 1.2, bound: 1.5, parameters: 30_000 }) }))),
    ).toBeNull();
  });
});

function tags(html: string): Set<string> {
  return new Set([...html.matchAll(/<([a-zA-Z][^\s/>]*)/gu)].map((m) => m[1] ?? ''));
}

describe('hostile names in a plan', () => {
  const NASTY = `</script><img onerror=alert(1) src=x> | \`code\` @here "' ](javascript:alert(1)) \u202eevil\u0000`;

  it('add no element, attribute, cell or mention to any output', async () => {
    const groups = [unit(NASTY, 16, 4, { basis: NASTY }), rank(`${NASTY}2`, 8, 3, { layer: NASTY, basis: NASTY })];
    const plan = planRecord({
      groups,
      baseline: { ...BASELINE, name: NASTY, groups },
      stopped: { group: NASTY, budget: 0.01 },
      feasible: false,
      rise: 3,
      bound: 4,
      likely: joint({ rise: 0.7, bound: 1.2, parameters: 3, groups }),
      loss: { name: NASTY, unit: NASTY },
      metrics: [{ name: NASTY, better: 'higher' }],
      original: { loss: 0.5, se: 0.01, metrics: { [NASTY]: 0.9 }, ...costOf(100_000) },
      warnings: [{ kind: 'seen', text: NASTY }],
      notes: [NASTY],
      skipped: [{ layer: NASTY, reason: NASTY }],
      report: heldOut(0.3, 0.7, {
        metrics: [{ name: NASTY, delta: 0, low95: -1, high95: 1 }],
        classes: [{ label: NASTY, examples: 3, delta: -0.5, low95: -0.6, high95: -0.4 }],
      }),
    });
    const hostile = await renderReport({ plan, sweep: sweepRecord([]) });
    const mine = await renderReport({ plan: planRecord({ baseline: BASELINE }), sweep });
    expect(
      [...tags(hostile.html)].filter((t) => !tags(mine.html).has(t) && t !== 'details' && t !== 'summary'),
    ).toEqual([]);
    for (const text of [hostile.html, hostile.summary, hostile.scree]) {
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/u);
    }
    const prose = hostile.summary.replace(/`[█░]*`/gu, '');
    expect(prose).not.toMatch(/<img|<script|@here|\]\(/u);
    const rows = prose.split('\n').filter((l) => l.startsWith('| **'));
    expect(new Set(rows.map((r) => r.split('|').length))).toEqual(new Set([7]));
  });
});

describe('sizes of a plan’s report', () => {
  it('stay below 400 KB for 30 groups: rows for all, panels for the first, a picture per joint model', async () => {
    const groups = Array.from({ length: 30 }, (_, i) => unit(`block_${i}/dense_${i}`, 64, 20 + i));
    const base = planSweep(planCompare());
    const curves = base.groups.find((g) => g.name === 'dense_1')?.curves ?? [];
    const many: SweepRecord = {
      ...base,
      groups: groups.map(({ name }) => ({ name, n: 64, layers: [name], tailPoints: [], curves })),
    };
    const plan = planRecord({ groups, weights: 'retrained' });
    const report = await renderReport({ plan, sweep: many, run: RUN });
    expect(Buffer.byteLength(report.html)).toBeLessThanOrEqual(400_000);
    for (const { name } of groups) expect(report.html).toContain(name);
    expect(report.summary).toContain('… and 10 more in the report');
    expect(report.groups.size).toBe(30);
  });

  it('are the same for the same records', async () => {
    const input = { plan: planRecord(), sweep };
    const [a, b] = [await renderReport(input), await renderReport(input)];
    expect(b.html).toBe(a.html);
    expect(b.summary).toBe(a.summary);
  });
});
