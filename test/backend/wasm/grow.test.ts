import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startWasm } from '../../../src/backend/wasm/index.js';
import { crossentropies } from '../../../src/backend/wasm/kernels/crossentropy.js';
import { canGrow, grow, packForGrow, pitchOf, type GrowGeometry } from '../../../src/backend/wasm/kernels/grow.js';
import { session } from '../../../src/backend/wasm/kernels/session.js';
import { values } from './oracle.js';

/** A float32 sum of up to some hundred products in another order, relative to the largest result. */
const FLOAT32 = 2e-6;
/** Two float64 exponentials, relative. */
const FLOAT64 = 1e-14;

let before = 0;
beforeAll(async () => {
  const { info, notes } = await startWasm({ threads: 2 });
  if (info.variant === 'stock') throw new Error(notes.join(' '));
});
afterAll(async () => {
  await session()?.stop();
});
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  if (tf.memory().numTensors !== before) throw new Error(`${tf.memory().numTensors - before} tensors leaked`);
});

const PIXEL: GrowGeometry = {
  height: 1,
  width: 1,
  channels: 9,
  outHeight: 1,
  outWidth: 1,
  kernelHeight: 1,
  kernelWidth: 1,
  strides: [1, 1],
  dilations: [1, 1],
  top: 0,
  left: 0,
};

interface Case {
  readonly title: string;
  readonly geometry: GrowGeometry;
  readonly rows: number;
  readonly units: number;
  readonly ends: readonly number[];
  readonly relu: boolean;
}

const square = { height: 5, width: 6, outHeight: 5, outWidth: 6, kernelHeight: 3, kernelWidth: 3, top: 1, left: 1 };
const CASES: readonly Case[] = [
  { title: 'one output', geometry: PIXEL, rows: 1, units: 1, ends: [0, 1], relu: false },
  { title: 'a width that adds nothing', geometry: PIXEL, rows: 7, units: 10, ends: [0, 0, 3, 3, 9], relu: true },
  { title: 'whole panels', geometry: PIXEL, rows: 33, units: 64, ends: [0, 1, 2, 5], relu: true },
  { title: 'a cut wide panel', geometry: PIXEL, rows: 18, units: 31, ends: [2, 3, 4], relu: false },
  { title: 'wide, narrow and cut panels', geometry: PIXEL, rows: 19, units: 77, ends: [1, 4, 6, 9], relu: true },
  {
    title: 'many columns a width',
    geometry: { ...PIXEL, channels: 40 },
    rows: 23,
    units: 29,
    ends: [0, 17, 18, 40],
    relu: true,
  },
  {
    title: 'many columns of several pixels',
    geometry: { ...PIXEL, height: 3, outHeight: 3, channels: 30 },
    rows: 13,
    units: 16,
    ends: [1, 11, 30],
    relu: false,
  },
  {
    title: 'every other pixel',
    geometry: { ...PIXEL, height: 5, outHeight: 3, strides: [2, 1], channels: 21 },
    rows: 9,
    units: 5,
    ends: [0, 9, 21],
    relu: true,
  },
  {
    title: 'several pixels',
    geometry: { ...PIXEL, height: 3, outHeight: 3 },
    rows: 6,
    units: 12,
    ends: [0, 2, 3],
    relu: true,
  },
  {
    title: 'a same window',
    geometry: { ...PIXEL, ...square, channels: 4 },
    rows: 5,
    units: 40,
    ends: [0, 1, 2, 4],
    relu: true,
  },
  {
    title: 'a strided one',
    geometry: { ...PIXEL, ...square, channels: 3, outHeight: 3, outWidth: 2, strides: [2, 3], top: 0 },
    rows: 4,
    units: 9,
    ends: [0, 1, 3],
    relu: false,
  },
  {
    title: 'a dilated one',
    geometry: { ...PIXEL, ...square, channels: 2, outHeight: 1, outWidth: 2, dilations: [2, 2], top: 0, left: 0 },
    rows: 9,
    units: 33,
    ends: [0, 1, 2],
    relu: true,
  },
];

/** What `grow` writes, by the definition. */
function naive(c: Case, x: Float32Array, w: Float32Array, columns: Int32Array, bias: Float32Array): Float32Array[] {
  const { geometry: g, rows, units, ends, relu } = c;
  const size = g.height * g.width * g.channels;
  const taps = g.kernelHeight * g.kernelWidth;
  const pitch = pitchOf(units);
  const answers: Float32Array[] = [];
  for (let row = 0; row < rows; row++) {
    for (let b = 0; b + 1 < ends.length; b++) {
      const answer = new Float32Array(g.outHeight * g.outWidth * units);
      for (let at = 0; at < answer.length; at++) {
        const [pixel, u] = [Math.floor(at / units), at % units];
        let sum = 0;
        for (let q = ends[0]; q < ends[b + 1]; q++) {
          for (let tap = 0; tap < taps; tap++) {
            const [fy, fx] = [Math.floor(tap / g.kernelWidth), tap % g.kernelWidth];
            const iy = Math.floor(pixel / g.outWidth) * g.strides[0] - g.top + fy * g.dilations[0];
            const ix = (pixel % g.outWidth) * g.strides[1] - g.left + fx * g.dilations[1];
            if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
            const value = x[row * size + (iy * g.width + ix) * g.channels + columns[q]];
            sum += value * w[(q * taps + tap) * units + u];
          }
        }
        sum += bias[b * pitch + u];
        answer[at] = relu ? Math.max(sum, 0) : sum;
      }
      answers.push(answer);
    }
  }
  return answers;
}

describe('grow', () => {
  it.each(CASES)('sums column by column and writes the flagged widths of each row: $title', (c) => {
    const { geometry: g, rows, units, relu } = c;
    expect(canGrow(g.kernelHeight * g.kernelWidth)).toBe(true);
    const widths = c.ends.length - 1;
    const taps = g.kernelHeight * g.kernelWidth;
    const columns = Int32Array.from({ length: g.channels }, (_, i) => (i * 7 + 1) % g.channels);
    const x = values(rows * g.height * g.width * g.channels, 1);
    const w = values(columns.length * taps * units, 2);
    const bias = values(widths * pitchOf(units), 3);
    // some rows are 0 in what a width adds, and not written there
    const flags = new Int32Array(rows);
    const size = g.height * g.width * g.channels;
    for (let row = 0; row < rows; row++) {
      for (let b = 0; b < widths; b++) {
        if ((row + b) % 3 !== 1 || c.ends[b] === c.ends[b + 1]) flags[row] |= 1 << b;
        else {
          const added = columns.subarray(c.ends[b], c.ends[b + 1]);
          for (let i = 0; i < size; i++) if (added.includes(i % g.channels)) x[row * size + i] = 0;
        }
      }
    }
    const all = naive(c, x, w, columns, bias);
    const expected = all.filter((_, i) => ((flags[Math.floor(i / widths)] >> (i % widths)) & 1) === 1);
    const firsts = new Int32Array(rows);
    let places = 0;
    for (let row = 0; row < rows; row++) {
      firsts[row] = places;
      for (let b = 0; b < widths; b++) places += (flags[row] >> b) & 1;
    }
    const pixels = g.outHeight * g.outWidth;
    const actual = tf.tidy(() => {
      const inputs = {
        x: tf.tensor(x, [rows, g.height, g.width, g.channels]),
        columns: tf.tensor1d(columns, 'int32'),
        kernel: tf.tensor1d(packForGrow(w, columns.length, taps, units)),
        sums: tf.zeros([rows, pixels, pitchOf(units)]),
        bias: tf.tensor1d(bias),
      };
      const ends = Int32Array.from(c.ends);
      const out = grow(inputs, { geometry: g, rows, units, ends, flags, firsts, places, relu });
      expect(out.shape).toEqual([places, pixels, units]);
      return out.dataSync<'float32'>().slice();
    });
    const wanted = expected.flatMap((answer) => [...answer]);
    const largest = Math.max(...wanted.map(Math.abs));
    const apart = Math.max(...wanted.map((value, i) => Math.abs(value - actual[i])));
    expect(actual.length).toBe(wanted.length);
    expect(apart / largest).toBeLessThan(FLOAT32);
  });

  it('gives the same bytes in one call as in several, for any number of threads', async () => {
    const [rows, units, ends] = [70, 45, [0, 1, 2, 4, 9]];
    const x = values(rows * 9, 1);
    const w = values(9 * units, 2);
    const bias = values(4 * pitchOf(units), 3);
    const run = (cuts: readonly number[][]): string => {
      const parts = tf.tidy(() => {
        const fixed = {
          x: tf.tensor(x, [rows, 1, 1, 9]),
          columns: tf.tensor1d(
            Int32Array.from({ length: 9 }, (_, i) => i),
            'int32',
          ),
          kernel: tf.tensor1d(packForGrow(w, 9, 1, units)),
          sums: tf.zeros([rows, 1, pitchOf(units)]),
        };
        return cuts.flatMap((widths) => {
          const count = widths.length;
          const out = grow(
            {
              ...fixed,
              bias: tf.tensor1d(bias.slice(widths[0] * pitchOf(units), (widths[0] + count) * pitchOf(units))),
            },
            {
              geometry: PIXEL,
              rows,
              units,
              ends: Int32Array.from([...widths, widths.at(-1)! + 1], (b) => ends[b]),
              flags: new Int32Array(rows).fill(2 ** count - 1),
              firsts: Int32Array.from({ length: rows }, (_, row) => row * count),
              places: rows * count,
              relu: true,
            },
          );
          // by width, then row
          const byRow = tf.reshape(out, [rows, count, units]);
          return [...tf.transpose(byRow, [1, 0, 2]).dataSync()];
        });
      });
      return parts.join();
    };
    const whole = run([[0, 1, 2, 3]]);
    expect(run([[0], [1, 2], [3]])).toBe(whole);
    await startWasm({ threads: 1 });
    expect(
      run([
        [0, 1],
        [2, 3],
      ]),
    ).toBe(whole);
    await startWasm({ threads: 2 });
  });
});

describe('crossentropies', () => {
  it.each([1, 2, 3, 4, 7, 10, 13, 100])('are log-sum-exp minus the score, and rank the class, of %i units', (units) => {
    const rows = 131;
    const scores = values(rows * units, units).map((value, i) => (i % 17 === 0 ? value * 300 : value * 5));
    const classes = Int32Array.from({ length: rows }, (_, row) => (row * 7) % units);
    const { loss, rank } = crossentropies(scores, units, classes)!;
    for (let row = 0; row < rows; row++) {
      const own = [...scores.subarray(row * units, (row + 1) * units)];
      const top = Math.max(...own);
      const expected = Math.log(own.reduce((sum, score) => sum + Math.exp(score - top), 0)) + top - own[classes[row]];
      expect(Math.abs(loss[row] - expected)).toBeLessThanOrEqual(FLOAT64 * Math.max(1, Math.abs(expected)));
      const higher = own.filter((score) => score > own[classes[row]]).length;
      const tied = own.slice(0, classes[row]).some((score) => score === own[classes[row]]);
      expect(rank[row]).toBe(2 * higher + Number(tied));
    }
  });

  it('count a unit before the class that scores as high', () => {
    const { rank } = crossentropies(Float32Array.of(1, 1, 0, 1, 1, 2), 3, Int32Array.of(1, 0))!;
    expect([...rank]).toEqual([1, 2]);
  });

  it('are no number where a score is none', () => {
    const { loss } = crossentropies(
      Float32Array.of(Number.NaN, 1, 1, Number.NaN, 1, Infinity),
      2,
      Int32Array.of(0, 0, 0),
    )!;
    expect([...loss]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });

  it.each([-1, 3])('refuse class %i of 3', (own) => {
    expect(crossentropies(new Float32Array(3), 3, Int32Array.of(own))).toBeUndefined();
  });
});
