import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startBackend, type StartedBackend } from '../../src/backend/index.js';
import { RowLosses } from '../../src/evaluate/measure.js';
import { inferObjective } from '../../src/objective/infer.js';
import { judge } from '../../src/objective/judge.js';
import { createRandom } from '../../src/random/index.js';
import { judgeRows, putAnswers } from '../../src/sweep/judging.js';

/** float64 sums in another order. */
const FLOAT64 = 1e-13;

describe.each(['cpu', 'wasm'] as const)('judgeRows on %s', (name) => {
  let backend: StartedBackend;
  beforeAll(async () => {
    backend = await startBackend({ backend: name });
  });
  afterAll(() => backend.dispose());

  it.each([
    { target: 'classes', units: 11, classes: true },
    { target: 'classes', units: 3, classes: true },
    { target: 'onehot', units: 4, classes: false },
    { target: 'real', units: 2, classes: false },
    { target: 'self', units: 5, classes: false },
  ] as const)('gives what judge gives row by row: $target of $units units', ({ target: kind, units, classes }) => {
    const random = createRandom(3);
    const objective = inferObjective({ target: kind, activation: kind === 'real' ? 'linear' : 'softmax', units });
    const split = 40;
    const answers = 97;
    const rows = Int32Array.from({ length: answers }, () => random.integer(split));
    const normals = (length: number) => Float32Array.from({ length }, () => 4 * random.normal());
    const outputs = { values: normals(answers * units), rows: answers, units };
    const reference = kind === 'self' ? { values: normals(split * units), rows: split, units } : undefined;
    const values = classes
      ? Int32Array.from({ length: split }, () => random.integer(units))
      : Float32Array.from({ length: split * units }, (_, i) => Number(i % units === Math.floor(i / units) % units));
    const target = kind === 'self' ? undefined : { shape: classes ? [split] : [split, units], values };
    const found = judgeRows(objective, outputs, target, reference, rows);
    rows.forEach((row, i) => {
      const part = (list: Float32Array, at: number) => list.subarray(at * units, (at + 1) * units);
      const one = { values: part(outputs.values, i), rows: 1, units };
      const own =
        target === undefined
          ? undefined
          : classes
            ? { shape: [1], values: values.subarray(row, row + 1) }
            : { shape: [1, units], values: part(values as Float32Array, row) };
      const truth = reference === undefined ? undefined : { values: part(reference.values, row), rows: 1, units };
      const expected = judge(objective, one, own, truth);
      expect(Math.abs(found.loss[i] - expected.loss[0])).toBeLessThanOrEqual(
        FLOAT64 * (1 + Math.abs(expected.loss[0])),
      );
      for (const [metric, list] of Object.entries(expected.metrics)) expect(found.metrics[metric][i]).toBe(list[0]);
    });
  });
});

it('a row without an answer at a width has that of the width before, also across blocks', () => {
  const objective = inferObjective({ target: 'classes', activation: 'softmax', units: 3 });
  const ks = [0, 1, 4, 6];
  const losses = new Map(ks.map((k) => [k, new RowLosses(objective, 5)]));
  const judged = (loss: number[]) => ({
    loss: Float64Array.from(loss),
    metrics: Object.fromEntries(objective.metrics.map(({ name }) => [name, Float64Array.from(loss)])),
  });
  const [start, from, to] = [1, 1, 4];
  // rows 2, 3 and 4 of the split; by rows, then by widths
  const first = { ks: [0, 1], widths: Int32Array.of(0, 1, 0, 0, 1), rows: Int32Array.of(1, 1, 2, 3, 3) };
  putAnswers(losses, start, { ...first, from, to }, judged([10, 11, 20, 30, 31]), ks);
  const second = { ks: [4, 6], widths: Int32Array.of(0, 1, 1), rows: Int32Array.of(2, 1, 3) };
  putAnswers(losses, start, { ...second, from, to }, judged([24, 16, 36]), ks);
  const table = ks.map((k) => [...losses.get(k)!.loss]);
  expect(table).toEqual([
    [0, 0, 10, 20, 30],
    [0, 0, 11, 20, 31],
    [0, 0, 11, 24, 31],
    [0, 0, 16, 24, 36],
  ]);
});
