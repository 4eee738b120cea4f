import { replaceKernel, sizeOf } from '../kernel.js';
import type { Info } from '../kernel.js';
import { addParts } from './conv.js';
import { session } from './session.js';
import type { Session } from './session.js';

/** Puts one pass over the heap in the place of what stock wasm composes or copies. */
export function installPasses(): void {
  for (const name of ['Sum', 'Mean'] as const) {
    replaceKernel(name, 'wasm', (stock) => (inputs, attributes, backend) => {
      const s = session();
      const { x } = inputs;
      const axes = leadingAxes(x, attributes['axis'] as number | number[] | undefined);
      if (!s || x.dtype !== 'float32' || axes === 0) return stock!(inputs, attributes, backend);
      const shape = x.shape.slice(axes);
      const m = sizeOf(shape);
      const rows = sizeOf(x.shape.slice(0, axes));
      const out = s.output(attributes['keepDims'] === true ? [...x.shape.slice(0, axes).fill(1), ...shape] : shape);
      columnSums(s, 0, s.at(x), rows, m, s.at(out), name === 'Mean' ? 1 / rows : 1);
      return out;
    });
  }
  replaceKernel('Add', 'wasm', (stock) => (inputs, attributes, backend) => {
    const s = session();
    const { a, b } = inputs;
    const m = b.shape[0];
    const isBias = b.shape.length === 1 && a.shape.length > 1 && a.shape.at(-1) === m && m > 0;
    if (!s || !isBias || a.dtype !== 'float32' || b.dtype !== 'float32' || sizeOf(a.shape) === 0)
      return stock!(inputs, attributes, backend);
    const out = s.output(a.shape);
    affine(s, { p: s.at(a), o: s.at(out), c: s.at(b), rows: sizeOf(a.shape) / m, m });
    return out;
  });
  // stock copies the data
  replaceKernel('Identity', 'wasm', () => (inputs, _, backend) => {
    const { dataId, shape, dtype } = inputs.x;
    backend.incRef(dataId);
    return { dataId, shape, dtype };
  });
}

/** How many axes a reduction takes, if they are the first ones and not all; else 0. */
function leadingAxes(x: Info, axis: number | number[] | null | undefined): number {
  if (axis === undefined || axis === null || sizeOf(x.shape) === 0) return 0;
  const rank = x.shape.length;
  const axes = [axis].flat().map((a) => (a < 0 ? a + rank : a));
  const leading = new Set(axes).size === axes.length && axes.every((a) => a < axes.length);
  return leading && axes.length < rank ? axes.length : 0;
}

/**
 * Sums over the rows of x [rows, m]. kind 0: x; 1: (x - mean)^2; 2: dy and, behind it, dy * (x - mean);
 * 3: dy where x is positive, which is written to dz as well.
 * The rows are cut into stretches by the shape alone.
 */
export function columnSums(
  s: Session,
  kind: 0 | 1 | 2 | 3,
  x: number,
  rows: number,
  m: number,
  out: number,
  factor: number,
  mean = 0,
  dy = 0,
  dz = 0,
): void {
  const width = kind === 2 ? 2 * m : m;
  const wanted = Math.min(16, Math.max(1, Math.floor((rows * m) / 16_384)));
  const each = Math.ceil(rows / wanted);
  const tasks = Math.ceil(rows / each);
  const parts = tasks === 1 && factor === 1 ? out : s.buffer('parts', tasks * width * 4);
  s.run('columnSums', tasks, x, rows, m, each, parts, kind, mean, dy, dz);
  if (parts !== out) addParts(s, parts, out, width, tasks, factor);
}

export interface Affine {
  readonly p: number;
  readonly q?: number;
  readonly o: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly rows: number;
  readonly m: number;
  readonly relu?: boolean;
}

/** o = p * a + q * b + c, the vectors a, b, c along the columns; a missing a is 1, a missing q is 0. Addresses. */
export function affine(s: Session, { p, q = 0, o, a = 0, b = 0, c = 0, rows, m, relu = false }: Affine): void {
  const each = Math.max(1, Math.ceil(16_384 / m));
  s.run('affine', Math.ceil(rows / each), p, q, o, a, b, c, rows, m, each, relu ? 1 : 0);
}
