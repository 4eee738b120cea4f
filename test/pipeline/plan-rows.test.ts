import { describe, expect, it } from 'vitest';

import { curveRows } from '../../src/pipeline/plan/candidates-stage.js';
import { halvesOf } from '../../src/pipeline/plan/halves.js';

describe('rows that single curves are measured on', () => {
  it.each([10, 2000])('are the steering half of %i rows where that is small', (rows) => {
    const halves = halvesOf(rows, 0);
    expect(curveRows(halves, 0)).toEqual(halves.steering);
  });

  it('are a thousand of it where it is large, by the seed, none of them of the other half', () => {
    const halves = halvesOf(50_000, 3);
    const rows = curveRows(halves, 3);
    expect(rows).toHaveLength(1000);
    expect(rows).toEqual(Int32Array.from(new Set(rows)).sort());
    const steering = new Set(halves.steering);
    expect(rows.every((row) => steering.has(row))).toBe(true);
    // from all over it: the halves of the numbers are drawn alike, within 5 standard errors
    expect(Math.abs(rows.filter((row) => row < 25_000).length - 500)).toBeLessThan(5 * Math.sqrt(250));
    expect(curveRows(halves, 3)).toEqual(rows);
    expect(curveRows(halves, 4)).not.toEqual(rows);
  });
});
