import { describe, expect, it } from 'vitest';

import { intervalChart, intervalDomain } from '../../src/report/intervalChart.js';
import { PANEL } from '../../src/report/panelLabels.js';
import { lossScale } from '../../src/report/scale.js';
import { costTicks, spaced } from '../../src/report/screeAxes.js';
import { screeChart } from '../../src/report/screeChart.js';
import { drawCharts, inlineSvg } from '../../src/report/svg.js';
import { viewReport } from '../../src/report/view.js';
import { curve, sweepRecord, twoGroups, type Rise } from './records.js';

const HOSTILE = `'+alert(1)+'</script><img onerror=x>`;

/** Every string under a key that vega compiles as an expression. */
function expressions(value: unknown, key = ''): string[] {
  if (typeof value === 'string') return /expr|signal|transform|calculate|filter|test/iu.test(key) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((v) => expressions(v, key));
  if (typeof value === 'object' && value !== null) return Object.entries(value).flatMap(([k, v]) => expressions(v, k));
  return [];
}

describe('the scree spec', () => {
  const view = viewReport({ sweep: twoGroups() });
  const group = view.groups[0];
  if (group === undefined) throw new Error('no group');
  const spec = JSON.stringify(screeChart(view, group).spec);

  it('has a symlog axis with the shared domain, clamped, and k from 0 to n', () => {
    expect(spec).toContain('"type":"symlog"');
    expect(spec).toContain(`"domain":${JSON.stringify(view.axis.domain)}`);
    expect(spec).toContain('"clamp":true');
    expect(spec).toContain('"domain":[0,16]');
  });

  it('labels 0, the budget and every tenfold that has room', () => {
    const wide = viewReport({
      sweep: sweepRecord([
        {
          name: 'a',
          curves: [
            curve([
              [0, 2000],
              [4, -30],
              [8, 0],
            ]),
          ],
        },
      ]),
    });
    expect(spaced(wide.axis, 1).map((t) => t.value)).toEqual([-10, -1, 0, 1, 10, 100, 1000]);
    const crowded = {
      ...wide.axis,
      domain: [-1e4, 1e4] as const,
      ticks: [-1e4, -1, 0, 1, 2, 1e4].map((value) => ({ value, label: '' })),
    };
    expect(spaced(crowded, 1).map((t) => t.value)).toEqual([-1e4, -1, 0, 1, 1e4]);
  });

  it('measures nothing and fetches nothing', () => {
    expect(spec).toContain('"autosize":{"type":"none"}');
    expect(spec).not.toMatch(/"url"|https?:/u);
  });

  it('draws every measured point with its one-sided 95 % bounds', () => {
    const p = group.chief.points[3];
    expect(spec).toContain(JSON.stringify({ k: p?.k, y: p?.rise, low: p?.low, high: p?.high }));
  });

  it('lets no string of a record into an expression', () => {
    const sweep = sweepRecord(
      [
        {
          name: HOSTILE,
          curves: [
            curve([
              [0, 50],
              [4, 0],
            ]),
          ],
        },
      ],
      {
        model: { ...twoGroups().model, name: HOSTILE },
        loss: { name: HOSTILE, unit: HOSTILE },
        original: { loss: 0, se: 0, metrics: {} },
      },
    );
    const hostile = viewReport({ sweep });
    for (const g of hostile.groups) {
      const found = expressions(screeChart(hostile, g).spec);
      expect(found.length).toBeGreaterThan(0);
      for (const e of found) expect(e).toMatch(/^(datum\.value==-?[\d.e+-]+\?"[^"\\]*":)*''$/u);
    }
  });
});

/** The points of a curve whose units cost `perUnit` parameters each. */
function points(rises: readonly Rise[], perUnit: number): Parameters<typeof costTicks>[0] {
  const sweep = sweepRecord([{ name: 'a', curves: [curve(rises, { perUnit })] }]);
  return viewReport({ sweep }).groups[0]?.chief.points ?? [];
}

describe('cost ticks', () => {
  it('stand where the model has that many parameters', () => {
    // 10 000 parameters at k = 64, 100 fewer per unit: 6000 at k = 24.
    expect(
      costTicks(
        points(
          [
            [0, 50],
            [64, 0],
          ],
          100,
        ),
      ),
    ).toContainEqual({ k: 24, label: '6\u00a0K' });
  });

  it('keep all digits where thousands would all read alike', () => {
    const labels = costTicks(
      points(
        [
          [0, 50],
          [64, 0],
        ],
        1,
      ),
    ).map((t) => t.label);
    expect(new Set(labels).size).toBe(labels.length);
    expect(labels.length).toBeGreaterThan(1);
  });

  it('are left out where the width costs nothing', () => {
    expect(
      costTicks(
        points(
          [
            [0, 50],
            [64, 0],
          ],
          0,
        ),
      ),
    ).toEqual([]);
  });
});

describe('the interval chart', () => {
  const scale = lossScale(twoGroups(), 0.01);
  const row = { label: 'retrained', rise: 0.2, low: -0.1, high: 0.5 };

  it('shows 0, the budget and every bar', () => {
    const [low, high] = intervalDomain(scale, [row, { ...row, low: -3 }]);
    expect(low).toBeLessThan(-3);
    expect(high).toBeGreaterThan(1);
  });

  it('leaves room for the word budget where it would run into the word original', () => {
    const [low, high] = intervalDomain(scale, [{ ...row, low: -40, high: -10 }]);
    const share = (1 - low) / (high - low);
    // 228 px from the plot's left end to the chart's right end, the label some 70 px wide, the plot 214 px.
    expect(share).toBeLessThanOrEqual((228 - 60) / 214);
  });

  it('says its numbers to those who do not see it, bounds rounded up', () => {
    const chart = intervalChart('x', scale, [{ ...row, high: 0.501 }], 'Loss');
    expect(chart?.label).toBe('Loss: retrained +0.20\u00a0%, at most +0.51\u00a0%; budget +1\u00a0%.');
  });

  it('is absent when there is nothing to show', () => {
    expect(intervalChart('x', scale, [], 'Loss')).toBeNull();
  });
});

describe('drawing', () => {
  it('draws every tick that it was given', async () => {
    const view = viewReport({
      sweep: sweepRecord([
        {
          name: 'a',
          curves: [
            curve([
              [0, 2000],
              [4, -30],
              [8, 0],
            ]),
          ],
        },
      ]),
    });
    const drawn = await drawCharts(view.groups.map((g) => screeChart(view, g)));
    const words = [...(drawn.get('scree-a')?.inner ?? '').matchAll(/<text[^>]*>([^<]*)<\/text>/gu)].map((m) => m[1]);
    expect(words).toEqual(expect.arrayContaining(view.axis.ticks.map((t) => t.label)));
    expect(view.axis.ticks).toHaveLength(7);
  });

  it('runs without new Function and writes plain attributes only', async () => {
    const view = viewReport({ sweep: twoGroups() });
    const charts = view.groups.map((g) => screeChart(view, g));
    const makeFunction = globalThis.Function;
    globalThis.Function = new Proxy(makeFunction, {
      construct: () => {
        throw new EvalError('no code from strings');
      },
      apply: () => {
        throw new EvalError('no code from strings');
      },
    });
    const drawn = await drawCharts(charts).finally(() => {
      globalThis.Function = makeFunction;
    });
    for (const chart of charts) {
      const found = drawn.get(chart.id);
      if (found === undefined) throw new Error('not drawn');
      const svg = inlineSvg(found);
      expect(svg).not.toMatch(/style=|class="mark|aria-roledescription|graphics-|NaN|undefined/u);
      expect(svg.match(/role="/gu)).toHaveLength(1);
      expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="[^"]+" width="352" height="250"/u);
    }
  });

  it('draws dots and lines where the numbers say: k = 8 of 16 in the middle, 0 % at its place', async () => {
    const view = viewReport({
      sweep: sweepRecord([
        {
          name: 'a',
          curves: [
            curve([
              [0, 100],
              [8, 1],
              [16, 0],
            ]),
          ],
        },
      ]),
    });
    const [group] = view.groups;
    if (group === undefined) throw new Error('no group');
    const drawn = await drawCharts([screeChart(view, group)]);
    const inner = drawn.get('scree-a')?.inner ?? '';
    const line = /d="M([^"hZ]+)" [^>]*stroke="#0072b2"[^>]*stroke-width="2"/u.exec(inner)?.[1] ?? '';
    const points = line.split('L').map((p) => p.split(',').map(Number));
    expect(points.map((p) => p[0])).toEqual([0, PANEL.plotWidth / 2, PANEL.plotWidth]);
    const [low, high] = view.axis.domain;
    const y = (v: number): number => 170 * (1 - (symlog(v) - symlog(low)) / (symlog(high) - symlog(low)));
    // 0.1 px: coordinates are written with one decimal.
    for (const [i, v] of [100, 1, 0].entries()) expect(points[i]?.[1]).toBeCloseTo(y(v), 0);
  });
});

/** The scale's formula, with the constant of a 1 % budget. */
function symlog(v: number): number {
  return Math.sign(v) * Math.log1p(Math.abs(v) / 0.2);
}
