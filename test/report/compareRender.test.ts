import { beforeAll, describe, expect, it } from 'vitest';

import type { Curve } from '../../src/records/types.js';
import { COLORS } from '../../src/report/colors.js';
import { orderingOf } from '../../src/report/orderings.js';
import { columnsOf } from '../../src/report/pen.js';
import { renderReport, type RenderedReport } from '../../src/report/render.js';
import { spectrumChart } from '../../src/report/spectrumChart.js';
import { drawCharts } from '../../src/report/svg.js';
import { renderCompareTerminal } from '../../src/report/terminal.js';
import { retrainRecord, RUN, sweepRecord, twoGroups } from './records.js';
import { comparedCurve, comparedGroup, compareRecord, decay, spectrum, threeGroups } from './compareRecords.js';

const HOSTILE = [
  `</script><img onerror=alert(1) src=x>`,
  'a|b',
  '`code`',
  '@here',
  `"' onload="alert(1)`,
  '\u202eevil\u0000\u001b[31m',
  '](javascript:alert(1))',
];
const NASTY = HOSTILE.join(' ');
const BASES = ['tail', 'tail-rank', 'kfac', 'whitened', 'pca', 'svd', 'svd-spatial', 'taylor', 'magnitude', 'variance', 'random'] as const; // prettier-ignore

/** Every string of the record is a stranger's. */
function hostileRecord(): ReturnType<typeof compareRecord> {
  const groups = HOSTILE.map((name, i) => {
    const group = comparedGroup(name, 8 + i, 1000);
    const odd: Curve = comparedCurve({ basis: NASTY, n: 8, cost: (k) => 92_000 + 1000 * k, rise: decay(8, 1) });
    return {
      ...group,
      curves: [...group.curves, odd, { ...odd, weights: 'control' as const }],
      kernels: [spectrum(name, 8, { selectors: { energy90: 3, [NASTY]: 2 } })],
      missing: [{ basis: NASTY, reason: NASTY }],
    };
  });
  const base = compareRecord(groups);
  return {
    ...base,
    tool: NASTY,
    model: { ...base.model, name: NASTY, digest: NASTY },
    data: { ...base.data, name: NASTY },
    loss: { name: NASTY, unit: NASTY },
    notes: [NASTY],
    skipped: [{ layer: NASTY, reason: NASTY }],
  };
}

/** Elements and attribute names of markup; text and attribute values are dropped. */
function markup(html: string): Set<string> {
  const found = new Set<string>();
  for (const [, tag, rest] of html.matchAll(/<([a-zA-Z!][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/gu)) {
    found.add(`<${tag.toLowerCase()}`);
    for (const [, name] of rest.matchAll(/([^\s"'>/=]+)(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))?/gu))
      found.add(name.toLowerCase());
  }
  return found;
}

let report: RenderedReport;
let hostile: RenderedReport;

beforeAll(async () => {
  report = await renderReport({ compare: threeGroups(), retrain: retrainRecord(twoGroups()), run: RUN });
  hostile = await renderReport({ compare: hostileRecord(), run: RUN });
});

describe('the comparison on the page', () => {
  it('stands between the scree panels and the trust', () => {
    const headings = [...report.html.matchAll(/<h2>([^<]*)<\/h2>/gu)].map((m) => m[1]);
    expect(headings).toEqual([
      'How much width each layer uses',
      'Which ordering keeps the most at the same cost',
      'How far to trust it',
      'Where it comes from',
    ]);
  });

  it('is absent without a comparison', async () => {
    const { html } = await renderReport({ sweep: twoGroups() });
    expect(html).not.toContain('Which ordering');
    expect(html).not.toContain('class="axes"');
  });

  it('says plainly that equal k is not equal cost, without a script and on every axis', () => {
    expect(report.html).toContain('<b>equal k is not equal cost.</b>');
  });

  it.each(['parameters', 'macs', 'bytes', 'k'] as const)(
    'shows the axis of the record, %s, at first; the others are hidden and have radios that need CSS only',
    async (axis) => {
      const { html } = await renderReport({ compare: threeGroups({ axis }) });
      expect([...html.matchAll(/<div class="v-(\w+)">/gu)].map((m) => m[1])).toEqual([axis, axis, axis]);
      expect(html.match(/<div class="v-\w+" hidden>/gu)).toHaveLength(9);
      expect([...html.matchAll(/id="ax-(\w+)" autocomplete="off" checked/gu)].map((m) => m[1])).toEqual([axis]);
      expect(html.match(/type="radio" name="axis"/gu)).toHaveLength(4);
      expect(html).toContain('<fieldset class="axes" hidden>');
      expect(html).toContain(`section:has(#ax-${axis}:checked) .v-${axis}`);
    },
  );

  it('tells the smallest model that holds, per ordering and group, and marks the winner of each and its equals', () => {
    const table = /<table class="holding"[\s\S]*?<\/table>/u.exec(report.html)?.[0] ?? '';
    expect(table.match(/<tr><th class="l nb"/gu)).toHaveLength(9);
    // K-FAC in all three; in logits whitened SVD holds at the same rank.
    expect(table.match(/<b>◂ /gu)).toHaveLength(4);
    expect(table).toContain('<b>◂ −49\u00a0%</b> <span class="soft">rank 10</span>');
    expect(table).toContain('−44\u00a0% <span class="soft">width 20</span>');
  });

  it('lists what could not be had with its reason, and curves on other weights', () => {
    expect(report.html).toMatch(/spatial SVD in <bdi>dense_1<\/bdi>.*its kernel has no two spatial sides/u);
    expect(report.html).toMatch(/Other weights and kernels[\s\S]*magnitude<td class="l">control/u);
  });

  it('calls every rank that a rule of thumb picks a heuristic, and says what was measured', () => {
    const table = /<table cellpadding="4" class="spectra">[\s\S]*?<\/table>/u.exec(report.html)?.[0] ?? '';
    const labels = [...table.matchAll(/<th class="l soft" scope="row">([\s\S]*?)<td/gu)].map((m) => m[1]);
    expect(labels).toHaveLength(5);
    for (const label of labels) expect(label).toContain('(heuristic)');
    expect(table).toMatch(/measured: smallest that holds 1\u00a0%<td class="nb"><b>10<\/b>/u);
  });

  it('puts the kernels of several groups into a closed details element, those of one group beside the rest', async () => {
    expect(report.html).toMatch(/<details><summary>Singular values of the kernels/u);
    const { html } = await renderReport({ compare: compareRecord([comparedGroup('a', 8, 1000)]) });
    expect(html).not.toContain('<details><summary>Singular values');
    expect(html).toContain('id="spectrum-0"');
  });

  it('has unique ids, no inline style and no address', () => {
    const ids = [...report.html.matchAll(/ id="([^"]*)"/gu)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(report.html).not.toMatch(/ style="|NaN|undefined/u);
    expect(report.html.replaceAll(/http(:|%3A)(\/\/|%2F%2F)www\.w3\.org(\/|%2F)2000(\/|%2F)svg/gu, '')).not.toMatch(
      /https?:/u,
    );
  });

  it('names a comparison of another run as such', async () => {
    const sweep = twoGroups();
    const other = await renderReport({ sweep, compare: threeGroups({ seed: 7 }) });
    expect(other.html).toContain('The comparison is of another run.');
    const same = await renderReport({ sweep, compare: threeGroups() });
    expect(same.html).not.toContain('The comparison is of another run.');
  });

  it('says of the output layer that it keeps its units where its kernel may be split', () => {
    expect(report.html).toContain('keeps its units: <bdi>output layer');
    expect(report.summary).toContain('keeps its units: output layer');
  });

  it('stands without any unit curve: rank mode, one sentence, no scree panel', async () => {
    const group = comparedGroup('a', 8, 1000);
    const compare = compareRecord([{ ...group, curves: group.curves.filter((c) => c.kind === 'rank') }]);
    const { html, scree, groups } = await renderReport({ compare });
    expect(/<h1>([\s\S]*?)<\/h1>/u.exec(html)?.[1]).toMatch(/needs rank \d of 8 for/u);
    expect(html).not.toContain('How much width each layer uses');
    expect(scree).toContain('</svg>');
    expect(groups.size).toBe(0);
  });

  it('stands with no group at all, and with a loss of 0 that leaves no budget', async () => {
    expect((await renderReport({ compare: compareRecord([]) })).html).toContain('can be narrowed');
    const { html } = await renderReport({ compare: threeGroups({ original: { loss: 0, se: 0, metrics: {} } }) });
    expect(html).toContain('id="compare-dense_1-parameters"');
    expect(html).not.toContain('class="holding"');
    expect(html).not.toMatch(/NaN|undefined/u);
  });
});

describe('names of strangers', () => {
  it('add no element and no attribute to the page', () => {
    const expected = markup(report.html);
    const odd = [...markup(hostile.html)].filter((m) => !expected.has(m) && m !== 'rowspan');
    expect(odd).toEqual([]);
  });

  it('leave no control and no bidirectional override in any output', () => {
    const input = { compare: hostileRecord() };
    const text = renderCompareTerminal(input, { columns: 80, unicode: true, color: false });
    for (const output of [hostile.html, hostile.summary, text])
      // oxlint-disable-next-line no-control-regex
      expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/u);
  });

  it('start no markup, cell, mention or link in the Markdown', () => {
    const prose = hostile.summary.replace(/```[\s\S]*?```/gu, '').replace(/`[█░]*`/gu, '');
    const tags = [...markup(prose)].filter((t) => t.startsWith('<') && t !== '<summary');
    expect(tags.filter((t) => !['<!--', '<details', '<sub'].includes(t))).toEqual([]);
    expect(prose).not.toMatch(/@here|javascript:|\]\(/u);
    const cells = prose.split('\n').filter((l) => l.startsWith('| **'));
    expect(new Set(cells.slice(0, HOSTILE.length).map((r) => r.split('|').length))).toEqual(new Set([8]));
  });
});

/** About what the default grid measures of 256 units. */
const GRID = [...Array(17).keys(), 20, 24, 29, 34, 41, 49, 58, 69, 82, 98, 117, 139, 166, 197, 235, 256];

function wide(count: number, n: number, ks?: readonly number[]): ReturnType<typeof compareRecord> {
  const groups = Array.from({ length: count }, (_, i) => {
    const group = comparedGroup(`encoder_block_${i}/attention/dense_${i}`, n, 1 + (i % 30));
    if (ks === undefined) return group;
    return {
      ...group,
      curves: group.curves.map((c) => ({ ...c, points: c.points.filter((p) => ks.includes(p.k)) })),
    };
  });
  return compareRecord(groups);
}

describe('bytes', () => {
  it('are the same for the same records', async () => {
    const again = await renderReport({ compare: threeGroups(), retrain: retrainRecord(twoGroups()), run: RUN });
    expect(again.html).toBe(report.html);
    expect(again.summary).toBe(report.summary);
  });

  it('stay below 400 KB for six groups of 256 with all orderings, each with a panel', async () => {
    const { html } = await renderReport({ compare: wide(6, 256, GRID) });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(400_000);
    expect(html.match(/id="compare-[^"]*-parameters"/gu)).toHaveLength(6);
  });

  it('stay below 400 KB for 40 groups beside a sweep: four panels, rows for the rest', async () => {
    const compare = wide(40, 64);
    const sweep = sweepRecord(
      compare.groups.map((g) => ({ name: g.name, curves: g.curves.filter((c) => c.basis === 'tail') })),
    );
    const { html, summary } = await renderReport({ sweep, compare });
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(400_000);
    expect(html.match(/id="compare-[^"]*-parameters"/gu)).toHaveLength(4);
    expect(html).toContain('The 36 groups with less at stake');
    for (const { name } of compare.groups) expect(html).toContain(name);
    expect(summary.length).toBeLessThan(20_000);
  });

  it('do not grow with every measured k: a line keeps the points that shape it', async () => {
    const [coarse, exact] = await Promise.resolve([wide(1, 1024, [...GRID, 400, 700, 1024]), wide(1, 1024)]);
    const size = async (compare: typeof coarse): Promise<number> => {
      const { html } = await renderReport({ compare });
      return /id="compare-[^"]*-parameters"[\s\S]*?<\/svg>/u.exec(html)?.[0].length ?? 0;
    };
    expect(await size(exact)).toBeLessThan(1.6 * (await size(coarse)));
  });
});

describe('the look of the orderings', () => {
  const looks = BASES.map((basis) => orderingOf({ basis, weights: basis === 'tail' ? 'retrained' : 'original' }));

  it('differs in colour, and in dash or shape, for every two', () => {
    expect(new Set(looks.map((l) => l.color)).size).toBe(BASES.length);
    expect(new Set(looks.map((l) => l.dash.join(' '))).size).toBe(BASES.length);
  });

  it('reaches a contrast of 3:1 on paper in both themes', () => {
    for (const { color } of looks) {
      const role = Object.values(COLORS).find((r) => r.light === color);
      for (const theme of ['light', 'dark'] as const)
        expect(contrast(role?.[theme] ?? '#fff', COLORS.paper[theme])).toBeGreaterThanOrEqual(3);
    }
  });

  it('uses colours of the table only, each with its rule for the dark theme', () => {
    const used = new Set([...report.html.matchAll(/(?:fill|stroke)="(#[0-9a-f]+)"/gu)].map((m) => m[1] ?? ''));
    expect(used.size).toBeGreaterThan(12);
    for (const c of used) expect(report.html).toContain(`svg [fill="${c}"]{fill:var(`);
  });

  it('is the soft grey for a basis that is not known, under its own name', () => {
    expect(orderingOf({ basis: 'constructor', weights: 'original' })).toMatchObject({
      color: COLORS.soft.light,
      label: [{ foreign: 'constructor' }],
    });
  });
});

describe('the spectrum', () => {
  it('falls on a logarithmic axis, with the energy marks where they belong', async () => {
    const chart = spectrumChart('s', spectrum('a', 32));
    const drawn = chart === null ? undefined : (await drawCharts([chart])).get('s');
    const words = [...(drawn?.inner ?? '').matchAll(/<text[^>]*>([^<]*)<\/text>/gu)].map((m) => m[1]);
    expect(words).toEqual(expect.arrayContaining(['90\u00a0%', '95\u00a0%', '99\u00a0%', '1', '0.1', '0.01']));
    // Rank 22 of 32 of 296 px.
    expect(drawn?.inner).toContain('translate(203.5,');
  });

  it.each([
    ['no values', []],
    ['a kernel of zeros', [0, 0, 0]],
  ])('is absent for %s', (_, singularValues) => {
    expect(spectrumChart('s', spectrum('a', 3, { singularValues }))).toBeNull();
  });

  it.each([
    ['one value', [2]],
    ['zeros behind', [1, 1e-30, 0]],
  ])('stands for %s', async (_, singularValues) => {
    const chart = spectrumChart('s', spectrum('a', 3, { singularValues }));
    if (chart === null) throw new Error('no chart');
    expect((await drawCharts([chart])).get('s')?.inner).not.toMatch(/NaN|Infinity|undefined/u);
  });
});

describe('the comparison in a terminal', () => {
  const long = comparedGroup('an_encoder_block_with_a_name_of_seventy_characters_and_then_some/dense_1', 8, 1000);
  const INPUTS = {
    plain: { compare: threeGroups() },
    'long and wide names': { compare: compareRecord([long, comparedGroup('層'.repeat(30), 8, 900)]) },
    'hostile names': { compare: hostileRecord() },
    'no groups': { compare: compareRecord([]) },
    'a loss of 0': { compare: threeGroups({ original: { loss: 0, se: 0, metrics: {} } }) },
  };

  for (const [name, input] of Object.entries(INPUTS)) {
    it.each([200, 80, 60, 40])(`keeps to 80 columns or less: ${name}, in a terminal of %d`, (columns) => {
      for (const unicode of [true, false]) {
        const lines = renderCompareTerminal(input, { columns, unicode, color: false }).split('\n');
        expect(lines.filter((line) => columnsOf(line) > Math.min(80, columns))).toEqual([]);
      }
    });
  }

  it('says the same with and without colour, and in ASCII only where asked', () => {
    const options = { columns: 80, unicode: true };
    const colored = renderCompareTerminal(INPUTS.plain, { ...options, color: true });
    // oxlint-disable-next-line no-control-regex
    expect(colored.replace(/\u001b\[\d+m/gu, '').replace(/ +$/gmu, '')).toBe(
      renderCompareTerminal(INPUTS.plain, { ...options, color: false }),
    );
    // oxlint-disable-next-line no-control-regex
    expect(renderCompareTerminal(INPUTS.plain, { ...options, unicode: false, color: false })).toMatch(
      /^[\u0020-\u007e\n]*$/u,
    );
  });

  it('shows the winner, every ordering, the ranking at its cost, break-even, and that k is no cost', () => {
    const text = renderCompareTerminal(INPUTS.plain, { columns: 80, unicode: true, color: false });
    expect(text).toMatch(/^Alone, dense_1 needs rank 10 of 64 for 1 % \(K-FAC\)\n/u);
    expect(text).toMatch(/▸ K-FAC +rank 10 +-49 % +\+0\.60 % +\+0\.77 %/u);
    expect(text).toMatch(/ {2}TailDropout +width 20 +-44 %/u);
    expect(text).toContain('Up to 51 000 parameters: K-FAC +0.60 %');
    expect(text).toContain('larger than full above 42');
    expect(text).toContain('Equal k is not equal cost');
    expect(text).toContain('Not to be had: spatial SVD');
  });
});

/** WCAG 2 contrast ratio. */
function contrast(a: string, b: string): number {
  const [x = 0, y = 0] = [luminance(a), luminance(b)].toSorted((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.039_28 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
