import { describe, expect, it } from 'vitest';

import { crosses, overlap, place, simplify, type Box, type Polyline } from '../../src/report/labels.js';
import { PANEL, panelLabels } from '../../src/report/panelLabels.js';
import { viewReport } from '../../src/report/view.js';
import { curve, falling, sweepRecord, twoGroups } from './records.js';

const frame: Box = { x: 0, y: 0, width: 100, height: 100 };
const box = (x: number, y: number): Box => ({ x, y, width: 10, height: 10 });

describe('simplify', () => {
  it('drops points on a straight line and keeps corners and both ends', () => {
    const line = [0, 1, 2, 3, 4].map((x) => ({ x, y: x <= 2 ? 0 : 10 * (x - 2) }));
    expect(simplify(line, 0.3).map((p) => p.x)).toEqual([0, 2, 4]);
  });

  it('never strays farther than told, whatever the line', () => {
    const line = Array.from({ length: 300 }, (_, i) => ({ x: i, y: 80 * Math.exp(-i / 40) + 3 * Math.sin(i / 9) }));
    const kept = simplify(line, 0.3);
    expect(kept.length).toBeLessThan(100);
    for (const p of line) {
      const right = kept.findIndex((q) => q.x >= p.x);
      const [a, b] = [kept[Math.max(0, right - 1)], kept[right]];
      if (a === undefined || b === undefined) throw new Error('an end is missing');
      const y = b.x > a.x ? a.y + ((p.x - a.x) / (b.x - a.x)) * (b.y - a.y) : b.y;
      // Measured straight down, which is at least the distance: here slopes are up to 2.
      expect(Math.abs(y - p.y)).toBeLessThanOrEqual(0.3 * Math.hypot(1, 2.4));
    }
  });

  it.each([[[]], [[{ x: 1, y: 1 }]]])('keeps a line of no or one point', (line) => {
    expect(simplify(line, 1)).toEqual(line);
  });
});

describe('place', () => {
  it('takes the least disliked place that is free', () => {
    const candidates = [
      { box: box(10, 10), dislike: 0 },
      { box: box(50, 50), dislike: 5 },
      { box: box(80, 80), dislike: 9 },
    ];
    expect(place(candidates, frame, [box(12, 12)], []).best?.box).toEqual(box(50, 50));
  });

  it('prefers not to be crossed by a line, and says when nothing is clear', () => {
    const line: Polyline = [
      { x: 0, y: 15 },
      { x: 100, y: 15 },
    ];
    const candidates = [
      { box: box(10, 10), dislike: 0 },
      { box: box(10, 60), dislike: 20 },
    ];
    expect(place(candidates, frame, [], [line]).best?.box.y).toBe(60);
    expect(place(candidates, frame, [frame], []).clear).toBe(false);
  });

  it('never leaves the frame', () => {
    expect(place([{ box: box(95, 0), dislike: 0 }], frame, [], []).best).toBeUndefined();
  });
});

it('sees a steep segment cross a box between its ends', () => {
  const steep: Polyline = [
    { x: 14, y: 0 },
    { x: 16, y: 100 },
  ];
  expect(crosses(steep, box(10, 50))).toBe(true);
  expect(crosses(steep, box(30, 50))).toBe(false);
});

const CASES = {
  'two curves': twoGroups(),
  'one curve': sweepRecord([{ name: 'a', curves: [falling(64, 0)] }]),
  'narrower is better': sweepRecord([
    {
      name: 'a',
      curves: [
        curve([
          [0, 400],
          [4, 5],
          [8, -3, 0.1],
          [16, -1],
          [32, 0.5],
        ]),
      ],
    },
  ]),
  'width 1': sweepRecord([
    {
      name: 'a',
      curves: [
        curve([
          [0, 30],
          [1, 0],
        ]),
      ],
    },
  ]),
  'width needed at the right end': sweepRecord([
    {
      name: 'a',
      curves: [
        curve([
          [0, 900],
          [30, 3],
          [31, 0.5],
          [32, 0],
        ]),
      ],
    },
  ]),
};

it.each(Object.entries(CASES))('words in a panel neither overlap nor leave it: %s', (_, record) => {
  const view = viewReport({ sweep: record });
  for (const group of view.groups) {
    const labels = panelLabels(view, group);
    expect(labels.map((l) => l.text)).toContain('budget');
    for (const [i, a] of labels.entries()) {
      expect(a.x).toBeGreaterThanOrEqual(0);
      expect(a.x + a.width).toBeLessThanOrEqual(PANEL.width - PANEL.left);
      expect(labels.slice(i + 1).filter((b) => overlap(a, b))).toEqual([]);
    }
  }
});
