import { createHash } from 'node:crypto';
import { Script } from 'node:vm';

import { beforeAll, describe, expect, it } from 'vitest';

import { SCRIPT } from '../../src/report/page/script.js';
import { COLORS } from '../../src/report/colors.js';
import { renderReport, type RenderedReport } from '../../src/report/render.js';
import type { ReportInput } from '../../src/report/source.js';
import { curve, falling, retrainRecord, RUN, sweepRecord, twoGroups, withoutRetraining } from './records.js';

const HOSTILE = [
  `</script><img onerror=alert(1) src=x>`,
  'a|b',
  '`code`',
  '<b>',
  '@here',
  `"' onload="alert(1)`,
  'a_layer_name_of_seventy_characters_inside_of_a_nested_encoder_block_007',
  'שכבה_צפופה',
  '\u202eevil\u0000\u001b[31m',
  '](javascript:alert(1))',
  '--><script>alert(1)</script>',
];
const NASTY = HOSTILE.join(' ');

function hostileInput(): ReportInput {
  const base = twoGroups();
  const sweep = sweepRecord(
    HOSTILE.map((name) => ({ name, curves: [falling(8, 0, { weights: 'original' }), falling(8, 0.1)] })),
    {
      tool: NASTY,
      model: { ...base.model, name: NASTY, digest: NASTY },
      data: { ...base.data, name: NASTY, digest: NASTY },
      backend: { name: NASTY, device: NASTY, variant: NASTY, threads: 1 },
      loss: { name: NASTY, unit: NASTY },
      metrics: [{ name: NASTY, better: 'lower' }],
      notes: [NASTY],
      original: { loss: 0.5, se: 0.01, metrics: { [NASTY]: 0.5 } },
      skipped: [{ layer: NASTY, reason: NASTY }],
    },
  );
  const machine = { os: NASTY, cpu: NASTY, cores: 1, memoryBytes: 1 };
  const run = {
    ...RUN,
    command: NASTY,
    startedAt: NASTY,
    machine,
    versions: { [NASTY]: NASTY },
    stages: [{ name: NASTY, seconds: 1, reused: false }],
  };
  return {
    sweep,
    retrain: { ...retrainRecord(sweep), sampler: { name: NASTY, p: 0.2, kMin: 1 }, notes: [NASTY] },
    run,
  };
}

/** Elements and attribute names of markup, as a browser's tokenizer splits it; text and attribute values are dropped. */
function markup(html: string): { tags: Set<string>; attributes: Set<string> } {
  const tags = new Set<string>();
  const attributes = new Set<string>();
  for (const [, tag, rest] of html.matchAll(/<([a-zA-Z!][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/gu)) {
    tags.add(tag.toLowerCase());
    for (const [, name] of rest.matchAll(/([^\s"'>/=]+)(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))?/gu))
      attributes.add(name.toLowerCase());
  }
  return { tags, attributes };
}

let report: RenderedReport;
let hostile: RenderedReport;

beforeAll(async () => {
  const sweep = twoGroups();
  report = await renderReport({ sweep, retrain: retrainRecord(sweep), run: RUN });
  hostile = await renderReport(hostileInput());
});

describe('the page', () => {
  it('is one file that fetches nothing: no address, no inline style, no foreign script', () => {
    const { html } = report;
    expect(
      html.replaceAll('http://www.w3.org/2000/svg', '').replaceAll('http%3A%2F%2Fwww.w3.org%2F2000%2Fsvg', ''),
    ).not.toMatch(/https?:|\/\/[a-z]/iu);
    expect(html).not.toMatch(/ style="| on[a-z]+="|<script src|<link rel="stylesheet"|@import|url\(/u);
  });

  it('has a policy that lets in its own stylesheet and script only, by the right hashes', () => {
    const css = /<style>([\s\S]*?)<\/style>/u.exec(report.html)?.[1] ?? '';
    const hash = createHash('sha256').update(css, 'utf8').digest('base64');
    const code = /<script>([\s\S]*?)<\/script>/u.exec(report.html)?.[1] ?? '';
    const script = createHash('sha256').update(code, 'utf8').digest('base64');
    expect(css.length).toBeGreaterThan(1000);
    expect(code.length).toBeGreaterThan(1000);
    expect(report.html).toContain(
      `default-src 'none'; img-src data:; style-src 'sha256-${hash}'; script-src 'sha256-${script}'; base-uri 'none'; form-action 'none'`,
    );
    expect(report.html.indexOf('Content-Security-Policy')).toBeLessThan(report.html.indexOf('<style>'));
  });

  it('leads with the group that saves most, and names the command that measures groups together and no other', () => {
    const [, title] = /<h1>([\s\S]*?)<\/h1>/u.exec(report.html) ?? [];
    // falling(): 200 % halved per unit on a floor of 0.1 %; below 1 - 1.645 * 0.1 - 0.1 from k = 9 on (0.39 %).
    expect(title).toBe('Alone, <bdi>dense_1</bdi> needs 9 of 16\u00a0units for 1\u00a0%');
    const withoutCommand = report.html.replace(/<pre id="cmd">[\s\S]*?<\/pre>/u, '');
    expect(withoutCommand).not.toMatch(/tdc (compress|sweep)/u);
    expect(withoutCommand).toContain('tdc recommend measures');
  });

  it('answers in order: how much width, how far to trust it, where it comes from', () => {
    const headings = [...report.html.matchAll(/<h2>([^<]*)<\/h2>/gu)].map((m) => m[1]);
    expect(headings).toEqual(['How much width each layer uses', 'How far to trust it', 'Where it comes from']);
  });

  it('lists every group and every layer that stays, with its reason', () => {
    for (const text of ['dense_1', 'dense_2', 'logits', 'output layer: its width is the number of classes'])
      expect(report.html).toContain(text);
  });

  it('prints full digests, the command, versions and how long each stage took', () => {
    for (const text of [
      'ab'.repeat(32),
      'cd'.repeat(32),
      RUN.command,
      '@tensorflow/tfjs 4.22.0',
      'retrain</bdi> reused',
      '4.3\u00a0s',
    ])
      expect(report.html).toContain(text);
  });

  it('carries every measured point in a closed details element', () => {
    expect(report.html).not.toContain('<details open');
    expect(report.html.match(/<details>/gu)).toHaveLength(2);
    expect(report.html.match(/<tr><th scope="row">/gu)).toHaveLength(17 + 9);
  });

  it('has a script that parses, and makes neither code nor markup from strings', () => {
    expect(() => new Script(SCRIPT)).not.toThrow();
    expect(SCRIPT).not.toMatch(
      /eval|Function\(|innerHTML|outerHTML|insertAdjacent|document\.write|fetch|XMLHttp|import/u,
    );
  });

  it('hides every control until a script reveals it, and says beside it what it would say', () => {
    const controls = [...report.html.matchAll(/<(?:input|div class="control")[^>]*>/gu)].map((m) => m[0]);
    const own = controls.filter((c) => !c.includes('id="budget"'));
    expect(own).toHaveLength(3);
    expect(own.filter((c) => !c.includes('data-js hidden'))).toEqual([]);
    expect(report.html).toContain('<output>width 9: loss +0.49\u00a0%, at most +0.66\u00a0%; 9300 parameters</output>');
  });

  it('carries the data of its controls as JSON that nothing can close', () => {
    const json = /id="tdc-data">([\s\S]*?)<\/script>/u.exec(hostile.html)?.[1] ?? '';
    expect(json).not.toContain('<');
    expect(JSON.parse(json)).toMatchObject({
      unit: '%',
      panels: expect.arrayContaining([expect.objectContaining({ name: HOSTILE[0] })]) as unknown,
    });
  });

  it('has unique ids', () => {
    const ids = [...report.html.matchAll(/ id="([^"]*)"/gu)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('hostile names', () => {
  const SVG = new Set(['svg', 'g', 'rect', 'line', 'path', 'text', 'tspan', 'title', 'desc']);
  const EVENTS = /^on|^href|^src|^style$/u;

  it('add no element and no attribute to the page', () => {
    const expected = markup(report.html);
    const found = markup(hostile.html);
    expect([...found.tags].filter((t) => !expected.tags.has(t))).toEqual([]);
    expect([...found.attributes].filter((a) => !expected.attributes.has(a) && a !== 'rowspan')).toEqual([]);
    expect([...found.attributes].filter((a) => EVENTS.test(a))).toEqual(['href']);
  });

  it('add no element and no attribute to any SVG, which stays well-formed', () => {
    for (const svg of [hostile.scree, ...hostile.groups.values()]) {
      const { tags, attributes } = markup(svg);
      expect([...tags].filter((t) => !SVG.has(t))).toEqual([]);
      expect([...attributes].filter((a) => EVENTS.test(a))).toEqual([]);
      expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/u);
      expect(balanced(svg)).toBe(true);
    }
  });

  it('leave no control, bidirectional override or half character in any output', () => {
    for (const text of [hostile.html, hostile.summary, hostile.scree, ...hostile.groups.values()]) {
      // oxlint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069]/u);
    }
  });

  it('start no markup, table cell, mention or link in the Markdown', () => {
    const prose = hostile.summary.replace(/```[\s\S]*?```/gu, '').replace(/`[█░]*`/gu, '');
    const { tags } = markup(prose);
    expect([...tags].filter((t) => !['!--', 'details', 'summary', 'sub'].includes(t))).toEqual([]);
    expect(prose).not.toMatch(/@here|javascript:|\]\(/u);
    const rows = prose.split('\n').filter((l) => l.startsWith('| '));
    expect(new Set(rows.slice(0, HOSTILE.length + 1).map((r) => r.split('|').length))).toEqual(new Set([8]));
  });

  it('keep the marker a comment', () => {
    expect(hostile.summary.split('\n')[0]).toMatch(/^<!-- tdc-report [a-z0-9_-]+ -->$/u);
    expect(hostile.summary.split('\n')[0]).not.toMatch(/--.*--.*--/u);
  });

  it('make file names that are safe and unique', () => {
    const names = [...hostile.groups.keys()];
    expect(names).toHaveLength(HOSTILE.length);
    for (const name of names) expect(name).toMatch(/^scree-[a-z0-9_-]{1,64}\.svg$/u);
  });
});

function balanced(xml: string): boolean {
  const open: string[] = [];
  for (const [, close, tag, rest] of xml.matchAll(/<(\/?)([\w:]+)((?:[^>"]|"[^"]*")*)>/gu)) {
    if (close === '/') {
      if (open.pop() !== tag) return false;
    } else if (!rest.endsWith('/')) open.push(tag);
  }
  return open.length === 0;
}

describe('sizes and bytes', () => {
  it('are the same for the same records, also when another report was rendered between', async () => {
    const sweep = twoGroups();
    const again = await renderReport({ sweep, retrain: retrainRecord(sweep), run: RUN });
    expect(again.html).toBe(report.html);
    expect(again.summary).toBe(report.summary);
    expect(again.scree).toBe(report.scree);
    expect([...again.groups]).toEqual([...report.groups]);
  });

  it('stay below 400 KB for 60 groups of 64 widths on two sets of weights: 24 panels, rows for the rest', async () => {
    const groups = Array.from({ length: 60 }, (_, i) => ({
      name: `encoder_block_${i}/attention/dense_${i}`,
      curves: [
        falling(64, 0, { weights: 'original', perUnit: 1 + (i % 50) }),
        falling(64, 0.1 + i / 1000, { perUnit: 1 + (i % 50) }),
      ],
    }));
    const many = await renderReport({ sweep: sweepRecord(groups), run: RUN });
    expect(Buffer.byteLength(many.html)).toBeLessThanOrEqual(400_000);
    expect(many.html.match(/id="scree-/gu)).toHaveLength(24);
    expect(many.groups.size).toBe(60);
    for (const { name } of groups) expect(many.html).toContain(name);
    expect(many.summary).toContain('and 40 more in the report');
    expect(many.scree).toContain('and 36 more groups in the report');
  });
});

describe('cases', () => {
  it('nothing narrower holds: every layer needs its width', async () => {
    const sweep = sweepRecord([
      {
        name: 'a',
        curves: [
          curve([
            [0, 90, 0.1],
            [4, 20, 0.1],
            [8, 0],
          ]),
        ],
      },
    ]);
    expect(await h1({ sweep })).toBe('Alone, every layer needs its width in this order: nothing narrower holds 1 %');
  });

  it('too few examples: they cannot tell', async () => {
    const sweep = sweepRecord([
      {
        name: 'a',
        curves: [
          curve([
            [0, 90, 0.1],
            [4, 0.8, 5],
            [8, 0],
          ]),
        ],
      },
    ]);
    expect(await h1({ sweep })).toBe('2000 examples cannot tell whether narrower layers hold 1 %');
  });

  it('another budget: other widths', async () => {
    expect(await h1({ sweep: twoGroups(), budget: 0.1 })).toBe('Alone, dense_1 needs 5 of 16 units for 10 %');
  });

  it('no groups at all', async () => {
    const { html, scree, groups } = await renderReport({ sweep: sweepRecord([]) });
    expect(html).toContain('No layer of <bdi>tiny</bdi> can be narrowed');
    expect(scree).toContain('</svg>');
    expect(groups.size).toBe(0);
  });

  it('not retrained: says so, and draws one curve', async () => {
    const sweep = withoutRetraining(sweepRecord([{ name: 'a', curves: [falling(8, 0, { weights: 'original' })] }]));
    const { html } = await renderReport({ sweep });
    expect(html).toContain('Not retrained.');
    expect(html).not.toContain('id="retraining"');
  });

  it('retraining that breaks the budget is marked ✖, and the original weights lead where only they hold', async () => {
    const sweep = sweepRecord(
      [
        {
          name: 'a',
          curves: [
            curve(
              [
                [0, 90, 0.1],
                [7, 0.2, 0.1],
                [8, 0],
              ],
              { weights: 'original' },
            ),
            curve([
              [0, 90, 0.1],
              [4, 6, 0.1],
              [8, 5, 0.1],
            ]),
          ],
        },
      ],
      { retrained: { loss: 0.525, se: 0.01, metrics: {}, delta: 0.025, deltaSe: 0.0005 } },
    );
    expect(await h1({ sweep })).toBe('Alone, a needs 7 of 8 units for 1 %');
    const { html } = await renderReport({ sweep });
    expect(html).toContain('✖ Retraining alone breaks the 1\u00a0% budget');
    expect(html).toContain('on the original&#39;s weights,');
  });

  it('narrower that is significantly better than the original is said with k of n', async () => {
    const sweep = sweepRecord([
      {
        name: 'a',
        curves: [
          curve([
            [0, 90, 0.1],
            [4, -3, 0.5],
            [8, 0, 0.1],
          ]),
        ],
      },
    ]);
    const { html, summary } = await renderReport({ sweep });
    expect(html).toContain('✔ Significantly better than the original with 4 of 8\u00a0units in <bdi>a</bdi>');
    expect(summary).toContain('Significantly better than the original with 4 of 8');
  });

  it('a loss of 0: rises in its unit, no budget, and the reason', async () => {
    const sweep = twoGroups({ original: { loss: 0, se: 0, metrics: {} } });
    const { html } = await renderReport({ sweep });
    expect(html).toContain('The original&#39;s loss is 0, so rises are in its unit (nats)');
    expect(html).toContain('loss above the original, nats');
    expect(html).not.toContain('>budget<');
  });
});

describe('colours', () => {
  it('have a light hex each of their own, and every colour in a chart is one of them', () => {
    const lights = Object.values(COLORS).map((r) => r.light);
    expect(new Set(lights).size).toBe(lights.length);
    const used = new Set([...report.html.matchAll(/(?:fill|stroke)="(#[0-9a-f]+)"/gu)].map((m) => m[1] ?? ''));
    expect([...used].filter((c) => !lights.some((l) => l === c))).toEqual([]);
    for (const c of used) expect(report.html).toContain(`svg [fill="${c}"]{fill:var(`);
  });

  it.each(['ink', 'soft', 'holds', 'unresolved', 'broken', 'tail'] as const)(
    '%s is legible as a word on paper in both themes (4.5:1)',
    (name) => {
      for (const theme of ['light', 'dark'] as const)
        expect(contrast(COLORS[name][theme], COLORS.paper[theme])).toBeGreaterThanOrEqual(4.5);
    },
  );
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

async function h1(input: ReportInput): Promise<string> {
  const { html } = await renderReport(input);
  return (/<h1>([\s\S]*?)<\/h1>/u.exec(html)?.[1] ?? '').replaceAll(/<\/?bdi>/gu, '').replaceAll('\u00a0', ' ');
}
