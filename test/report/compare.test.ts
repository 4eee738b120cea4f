import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { axesOf, costAxisOf, pointsOn } from '../../src/report/compareAxes.js';
import { compareChart } from '../../src/report/compareChart.js';
import { costOf, rankingAt, referenceCost, type ComparedGroupView } from '../../src/report/compareView.js';
import {
  equalKText,
  holdingCell,
  missingRows,
  rankingText,
  smallerText,
  taxText,
  weightsText,
  winnersText,
} from '../../src/report/compareWords.js';
import { toText } from '../../src/report/phrase.js';
import { drawCharts } from '../../src/report/svg.js';
import { viewReport, type ReportView } from '../../src/report/view.js';
import { sweepRecord, twoGroups } from './records.js';
import { comparedCurve, comparedGroup, compareRecord, decay, FULL, spectrum, threeGroups } from './compareRecords.js';

function plainText(text: string): string {
  return text.replaceAll(/[\u00a0\u202f]/gu, ' ');
}

function groupOf(view: ReportView, name: string): ComparedGroupView {
  const group = view.compare?.groups.find((g) => g.name === name);
  if (group === undefined) throw new Error(`no group ${name}`);
  return group;
}

const view = viewReport({ compare: threeGroups() });
const dense = groupOf(view, 'dense_1');

/** A group of 8 units of 1000 parameters, its ranks 1500 each: break-even at 5. */
function small(curves: Parameters<typeof comparedCurve>[0][]): ReportView {
  const group = comparedGroup('a', 8, 1000, { curves: curves.map(comparedCurve), kernels: [spectrum('a', 8)] });
  return viewReport({ compare: compareRecord([group]) });
}
const dip = (k: number): number => (k >= 5 || k === 2 ? 0.5 : 50);
const width = (k: number): number => 92_000 + 1000 * k;
const rank = (k: number): number => 92_000 + 1500 * k;
/** Holds 1 % from `k` on, 50 % below. */
const from =
  (k: number) =>
  (i: number): number =>
    i >= k ? 0.5 : 50;

describe('the numbers of a comparison', () => {
  it('put the group with most at stake first', () => {
    expect(view.compare?.groups.map((g) => g.name)).toEqual(['dense_1', 'dense_2', 'logits']);
    // 64 units of 1000 parameters in a model of 100 000.
    expect(dense.stake).toBeCloseTo(0.64, 12);
  });

  it('draw one curve per basis on the weights it is best known on, and keep the rest', () => {
    const drawn = dense.drawn.map((c) => `${c.view.curve.basis} ${c.view.curve.weights}`);
    expect(drawn).toEqual([
      'tail retrained',
      'kfac original',
      'whitened original',
      'pca original',
      'svd original',
      'taylor original',
      'magnitude original',
      'variance original',
      'random original',
    ]);
    expect(dense.others.map((c) => `${c.view.curve.basis} ${c.view.curve.weights}`)).toEqual([
      'tail original',
      'magnitude control',
      'magnitude retrained',
    ]);
  });

  it('mark the curve that saves most parameters, not the one with the smallest k', () => {
    // Width 3 costs 95 000, rank 2 as much; rank 3 more.
    const ties = small([
      { basis: 'magnitude', n: 8, cost: width, rise: from(3) },
      { basis: 'svd', layer: 'a', n: 8, cost: rank, rise: from(3) },
    ]);
    expect(groupOf(ties, 'a').winner?.view.curve.basis).toBe('magnitude');
    // Both hold at width 3; the smaller rise wins.
    const equal = small([
      { basis: 'taylor', n: 8, cost: width, rise: from(3) },
      { basis: 'magnitude', n: 8, cost: width, rise: (k) => 0.5 * from(3)(k) },
    ]);
    expect(groupOf(equal, 'a').winner?.view.curve.basis).toBe('magnitude');
    const rankWins = small([
      { basis: 'magnitude', n: 8, cost: width, rise: from(4) },
      { basis: 'svd', layer: 'a', n: 8, cost: rank, rise: from(2) },
    ]);
    expect(groupOf(rankWins, 'a').winner?.view.curve.basis).toBe('svd');
    expect(groupOf(rankWins, 'a').winner?.saves).toBeCloseTo(0.05, 12);
  });

  it('take the smallest k from which every wider one has its bound inside the budget', () => {
    const found = small([{ basis: 'magnitude', n: 8, cost: width, rise: dip }]);
    expect(groupOf(found, 'a').winner?.view.needs?.k).toBe(5);
    const unsure = small([{ basis: 'magnitude', n: 8, cost: width, rise: from(5), se: 0.4 }]);
    // 0.5 + 1.645 * 0.4 > 1.
    expect(groupOf(unsure, 'a').winner).toBeUndefined();
  });

  it('give a rank above break-even the cost of the full model, and no saving', () => {
    const found = small([{ basis: 'svd', layer: 'a', n: 8, cost: rank, rise: from(6) }]);
    const [curve] = groupOf(found, 'a').drawn;
    if (curve === undefined) throw new Error('no curve');
    const costs = curve.view.points.map((p) => costOf(curve, p, 'parameters', FULL));
    expect(costs).toEqual([92_000, 93_500, 95_000, 96_500, 98_000, 99_500, 100_000, 100_000, 100_000]);
    expect(groupOf(found, 'a').winner).toBeUndefined();
    expect(holdingCell(found, curve)).toEqual({
      status: 'larger',
      saves: '0\u00a0%',
      what: 'rank 6: larger than full',
    });
  });

  it('say kind and saving in a cell, or why there is none', () => {
    const cases = small([
      { basis: 'tail', weights: 'retrained', n: 8, cost: width, rise: from(3) },
      { basis: 'kfac', layer: 'a', n: 8, cost: rank, rise: from(3) },
      { basis: 'magnitude', n: 8, cost: width, rise: from(8) },
      { basis: 'taylor', n: 8, cost: width, rise: from(8), se: 0.4 },
      { basis: 'random', n: 8, cost: width, rise: () => 50 },
    ]);
    const cells = groupOf(cases, 'a').drawn.map((c) => holdingCell(cases, c));
    expect(cells.map((c) => [c.status, plainText(c.saves), c.what])).toEqual([
      ['saves', '−5.0 %', 'width 3'],
      ['saves', '−3.5 %', 'rank 3'],
      ['unresolved', '', 'not resolved'],
      ['full', '0 %', 'all 8'],
      ['broken', '', 'nothing holds'],
    ]);
  });

  it('rank the orderings at the winner’s cost, each at its widest k that is no dearer', () => {
    const cost = referenceCost(dense, 'parameters', FULL);
    expect(cost).toBe(51_000);
    const ranked = rankingAt(dense, 'parameters', cost, FULL);
    expect(ranked).toHaveLength(9);
    for (const r of ranked) {
      expect(costOf(r.curve, r.point, 'parameters', FULL)).toBeLessThanOrEqual(cost);
      const next = r.curve.view.points[r.curve.view.points.indexOf(r.point) + 1];
      expect(next === undefined ? Infinity : costOf(r.curve, next, 'parameters', FULL)).toBeGreaterThan(cost);
    }
    const rises = ranked.map((r) => r.point.rise);
    expect(rises).toEqual(rises.toSorted((a, b) => a - b));
  });

  it('rank half-way between the smallest and the full model where nothing saves', () => {
    const found = small([{ basis: 'random', n: 8, cost: width, rise: () => 50 }]);
    expect(referenceCost(groupOf(found, 'a'), 'parameters', FULL)).toBe(96_000);
  });

  it('draw the kernel that reaches lowest of several, and list the others', () => {
    const curves = [
      { basis: 'svd', layer: 'query', n: 8, cost: (k: number): number => 97_000 + 300 * k, rise: from(2) },
      { basis: 'svd', layer: 'value', n: 8, cost: rank, rise: from(4) },
    ].map(comparedCurve);
    const kernels = [spectrum('query', 8), spectrum('value', 8)];
    const found = viewReport({ compare: compareRecord([comparedGroup('a', 8, 1000, { curves, kernels })]) });
    const group = groupOf(found, 'a');
    expect(group.kernel?.layer).toBe('value');
    expect(group.drawn.map((c) => c.view.curve.layer)).toEqual(['value']);
    expect(group.others.map((c) => c.view.curve.layer)).toEqual(['query']);
  });

  it('share one y domain with the scree panels, of a sweep of its own too', () => {
    const both = viewReport({ sweep: twoGroups(), compare: threeGroups() });
    const alone = viewReport({ sweep: twoGroups() });
    expect(both.axis.domain[1]).toBeGreaterThan(alone.axis.domain[1]);
    expect(both.groups).toHaveLength(2);
  });

  it('let the comparison’s tail curves serve the scree panels where there is no sweep', () => {
    expect(view.groups.map((g) => g.name)).toEqual(['dense_1', 'dense_2']);
    expect(view.groups[0]?.chief.curve.weights).toBe('retrained');
    expect(view.sweep.model.parameters).toBe(FULL.parameters);
  });

  it('need one record or the other', () => {
    expect(() => viewReport({})).toThrow(UsageError);
  });
});

describe('the x axes', () => {
  it('go from the smallest measured model to the full one, k from 0 to the widest', () => {
    expect(costAxisOf(dense, 'parameters', FULL).domain).toEqual([36_000, 100_000]);
    expect(costAxisOf(dense, 'macs', FULL).domain).toEqual([144_000, 400_000]);
    expect(costAxisOf(dense, 'k', FULL).domain).toEqual([0, 64]);
  });

  it('leave the inputs of a PCA out of the length of the k axis', () => {
    const found = small([
      { basis: 'svd', layer: 'a', n: 8, cost: rank, rise: from(2) },
      { basis: 'pca', layer: 'a', n: 700, cost: rank, rise: from(2), ks: [0, 8, 700] },
    ]);
    const axis = costAxisOf(groupOf(found, 'a'), 'k', FULL);
    expect(axis.domain).toEqual([0, 8]);
    const pca = groupOf(found, 'a').drawn.find((c) => c.view.curve.basis === 'pca');
    expect(pca && pointsOn(pca, axis, FULL).map((p) => p.x)).toEqual([0, 8]);
  });

  it('name bytes in powers of 1024 and keep labels apart', () => {
    const { ticks } = costAxisOf(dense, 'bytes', FULL);
    expect(ticks.map((t) => plainText(t.label))).toEqual(['200 KiB', '300 KiB']);
    expect(ticks.map((t) => t.value)).toEqual([200 * 1024, 300 * 1024]);
  });

  it('hold a group that can save nothing', () => {
    const found = small([{ basis: 'magnitude', n: 8, cost: () => FULL.parameters, rise: from(2) }]);
    const [low, high] = costAxisOf(groupOf(found, 'a'), 'parameters', FULL).domain;
    expect(high).toBeGreaterThan(low);
    expect(groupOf(found, 'a').stake).toBe(0);
  });

  it('are all offered up to three panels; of more only those that show another picture, and the chosen one', () => {
    const four = Array.from({ length: 4 }, (_, i) => comparedGroup(`g${i}`, 8, 1000));
    const offered = (axis: 'parameters' | 'bytes'): readonly string[] => {
      const { compare } = viewReport({ compare: compareRecord(four, { axis }) });
      return compare === undefined ? [] : axesOf(compare);
    };
    expect(view.compare && axesOf(view.compare)).toEqual(['parameters', 'macs', 'bytes', 'k']);
    // Here multiply-adds and bytes are four times the parameters.
    expect(offered('parameters')).toEqual(['parameters', 'k']);
    expect(offered('bytes')).toEqual(['bytes', 'k']);
  });
});

describe('the words', () => {
  it('name the winner of every group in one sentence', () => {
    if (view.compare === undefined) throw new Error('no comparison');
    expect(plainText(toText(winnersText(view, view.compare)))).toBe(
      'Smallest model that holds 1 %, each group alone: K-FAC in dense_1, dense_2 and logits.',
    );
    const none = small([{ basis: 'random', n: 8, cost: width, rise: () => 50 }]);
    expect(none.compare && plainText(toText(winnersText(none, none.compare)))).toBe(
      'No ordering is shown to save anything at 1 %.',
    );
  });

  it('rank at a cost, the smallest rise first', () => {
    expect(plainText(toText(rankingText(view, dense, 'parameters')))).toMatch(
      /^Up to 51 000 parameters: K-FAC \+0\.60 %, whitened SVD \+1\.8 %, TailDropout /u,
    );
    expect(plainText(toText(rankingText(view, dense, 'bytes')))).toMatch(/^Up to 199 KiB: K-FAC/u);
  });

  it('say that equal k is not equal cost, with this group’s figures', () => {
    // Width 10 costs 36 000 + 10 000; rank 10 36 000 + 15 000.
    expect(plainText(toText(equalKText(view, dense)))).toBe(
      'Equal k is not equal cost: at k = 10 the model has 46 000 parameters as a width, 51 000 as a rank.',
    );
    expect(toText(equalKText(view, groupOf(view, 'logits')))).toContain('Equal k is not equal cost');
  });

  it('tell the retraining tax, and what the control gains, apart', () => {
    expect(plainText(taxText(view))).toContain(
      'the retrained weights start from +0.20 %, at most +0.37 %; the same training without TailDropout (the control): −0.20 %, at most −0.03 %.',
    );
    expect(plainText(toText(weightsText(view, dense)))).toBe(
      "magnitude: width 48 on the original's weights, width 40 on the control's weights, width 30 on the retrained weights; TailDropout width 20.",
    );
  });

  it('say so where a curve that is not drawn saves more than the winner', () => {
    const found = small([
      { basis: 'magnitude', n: 8, cost: width, rise: from(5) },
      { basis: 'magnitude', weights: 'control', n: 8, cost: width, rise: from(2) },
    ]);
    expect(plainText(toText(smallerText(groupOf(found, 'a'))))).toBe(
      "Smaller still: magnitude on the control's weights, width 2 (−6.0 %).",
    );
    expect(smallerText(dense)).toEqual([]);
  });

  it('join groups that lack a basis for one reason', () => {
    expect(view.compare && missingRows(view.compare)).toEqual([
      { basis: 'svd-spatial', groups: ['dense_1', 'dense_2', 'logits'], reason: 'its kernel has no two spatial sides' },
    ]);
  });

  it('call units that nothing has put in order by what they are', () => {
    const found = small([{ basis: 'tail', n: 8, cost: width, rise: from(3) }]);
    expect(toText(groupOf(found, 'a').drawn[0]?.ordering.label ?? [])).toBe('stored order');
  });

  it('give the headline to the sweep where there is one, else to the best ordering', async () => {
    const { headline } = await import('../../src/report/words.js');
    expect(plainText(toText(headline(view)))).toBe('Alone, dense_1 needs rank 10 of 64 for 1 % (K-FAC)');
    const both = viewReport({ sweep: twoGroups(), compare: threeGroups() });
    expect(plainText(toText(headline(both)))).toBe('Alone, dense_1 needs 9 of 16 units for 1 %');
    const rankOnly = viewReport({ sweep: sweepRecord([]), compare: threeGroups() });
    expect(plainText(toText(headline(rankOnly)))).toContain('(K-FAC)');
  });
});

describe('a comparison panel', () => {
  it('draws every curve through its measured points, the best one thicker', async () => {
    const found = small([
      { basis: 'magnitude', n: 8, cost: width, rise: from(4) },
      { basis: 'svd', layer: 'a', n: 8, cost: rank, rise: from(2) },
    ]);
    const group = groupOf(found, 'a');
    const drawn = await drawCharts([compareChart(found, group, 'parameters')]);
    const inner = drawn.get('compare-a-parameters')?.inner ?? '';
    const path = (color: string, w: string): number[][] =>
      (new RegExp(`d="M([^"hZ]+)" stroke="${color}" stroke-width="${w}"`, 'u').exec(inner)?.[1] ?? '')
        .split('L')
        .map((p) => p.split(',').map(Number));
    const svd = path('#39424c', '2.6');
    const magnitude = path('#7a8590', '1.5');
    // 286 px for 8000 parameters: rank 2 at 3000, width 4 at 4000, both ends at 0 and 286.
    expect(svd.map((p) => p[0])).toContain(107.3);
    expect(magnitude.map((p) => p[0])).toContain(143);
    for (const line of [svd, magnitude]) expect([line[0]?.[0], line.at(-1)?.[0]]).toEqual([0, 286]);
  });

  it('greys what is larger than full on the k axis only, right of break-even', async () => {
    const drawn = await drawCharts([compareChart(view, dense, 'k'), compareChart(view, dense, 'parameters')]);
    const [k, cost] = ['k', 'parameters'].map((a) => drawn.get(`compare-dense_1-${a}`)?.inner ?? '');
    expect(k).toContain('larger than full');
    // 42 of 64 of 286 px.
    expect(k).toMatch(/d="M187\.7,0h98\.3v170h-98\.3Z" fill="#eceff2"/u);
    expect(cost).not.toContain('larger than full');
    expect(cost).not.toContain('fill="#eceff2"');
  });

  it('lets no string of a record into the spec but as the label', () => {
    const evil = `'+alert(1)+'</script>`;
    const group = comparedGroup(evil, 8, 1000);
    const curves = [...group.curves, comparedCurve({ basis: evil, n: 8, cost: width, rise: decay(8, 2) })];
    const found = viewReport({ compare: compareRecord([{ ...group, curves, kernels: [spectrum(evil, 8)] }]) });
    const [first] = found.compare?.groups ?? [];
    if (first === undefined) throw new Error('no group');
    for (const axis of ['parameters', 'k'] as const)
      expect(JSON.stringify(compareChart(found, first, axis).spec)).not.toContain('alert');
  });
});
