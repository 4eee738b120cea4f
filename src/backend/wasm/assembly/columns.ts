import { at, number, pointer, word } from './control';

/** What is summed over the rows of x [rows, m], per column. */
const VALUES = 0; // x
const SQUARES = 1; // (x - mean)^2
const GRADIENTS = 2; // dy, and behind it dy * (x - mean)
const RELU = 3; // dy where y = x is positive, which is also written as a matrix

/** Operation: sums over one stretch of rows. 16 x  17 rows  18 m  19 rows a task  20 parts  21 kind  22 mean  23 dy  24 dz */
export function columnSumsTask(task: i32): void {
  const m = word(18), kind = word(21), end = min(word(17), (task + 1) * word(19));
  const width = kind == GRADIENTS ? 2 * m : m;
  const to = at(pointer(20), task * width), mean = pointer(22);
  memory.fill(to, 0, (<usize>width) << 2);
  for (let row = task * word(19); row < end; row++) {
    const x = at(pointer(16), row * m);
    if (kind == VALUES) addRow(to, x, m);
    else if (kind == SQUARES) addSquares(to, x, mean, m);
    else if (kind == RELU) addRelu(to, x, at(pointer(23), row * m), at(pointer(24), row * m), m);
    else addGradients(to, x, mean, at(pointer(23), row * m), m);
  }
}

// @ts-ignore: decorator
@inline
function addRow(to: usize, x: usize, m: i32): void {
  let j = 0;
  for (; j + 4 <= m; j += 4) v128.store(at(to, j), f32x4.add(v128.load(at(to, j)), v128.load(at(x, j))));
  for (; j < m; j++) store<f32>(at(to, j), load<f32>(at(to, j)) + load<f32>(at(x, j)));
}

// @ts-ignore: decorator
@inline
function addSquares(to: usize, x: usize, mean: usize, m: i32): void {
  let j = 0;
  for (; j + 4 <= m; j += 4) {
    const d = f32x4.sub(v128.load(at(x, j)), v128.load(at(mean, j)));
    v128.store(at(to, j), f32x4.add(v128.load(at(to, j)), f32x4.mul(d, d)));
  }
  for (; j < m; j++) {
    const d = load<f32>(at(x, j)) - load<f32>(at(mean, j));
    store<f32>(at(to, j), load<f32>(at(to, j)) + d * d);
  }
}

// @ts-ignore: decorator
@inline
function addGradients(to: usize, x: usize, mean: usize, dy: usize, m: i32): void {
  const second = at(to, m);
  let j = 0;
  for (; j + 4 <= m; j += 4) {
    const g = v128.load(at(dy, j));
    const d = f32x4.sub(v128.load(at(x, j)), v128.load(at(mean, j)));
    v128.store(at(to, j), f32x4.add(v128.load(at(to, j)), g));
    v128.store(at(second, j), f32x4.add(v128.load(at(second, j)), f32x4.mul(g, d)));
  }
  for (; j < m; j++) {
    const g = load<f32>(at(dy, j));
    store<f32>(at(to, j), load<f32>(at(to, j)) + g);
    store<f32>(at(second, j), load<f32>(at(second, j)) + g * (load<f32>(at(x, j)) - load<f32>(at(mean, j))));
  }
}

// @ts-ignore: decorator
@inline
function addRelu(to: usize, y: usize, dy: usize, dz: usize, m: i32): void {
  const zero = f32x4.splat(0);
  let j = 0;
  for (; j + 4 <= m; j += 4) {
    const g = v128.and(v128.load(at(dy, j)), f32x4.gt(v128.load(at(y, j)), zero));
    v128.store(at(dz, j), g);
    v128.store(at(to, j), f32x4.add(v128.load(at(to, j)), g));
  }
  for (; j < m; j++) {
    const g = load<f32>(at(y, j)) > 0 ? load<f32>(at(dy, j)) : 0;
    store<f32>(at(dz, j), g);
    store<f32>(at(to, j), load<f32>(at(to, j)) + g);
  }
}

/** Operation: adds up parts, in their order. 16 parts  17 to  18 elements  19 number of parts  20 elements a task  21 factor */
export function addPartsTask(task: i32): void {
  const n = word(18), parts = word(19), factor = number(21);
  const end = min(n, (task + 1) * word(20));
  let i = task * word(20);
  for (; i + 4 <= end; i += 4) {
    let sum = f32x4.splat(0);
    for (let p = 0; p < parts; p++) sum = f32x4.add(sum, v128.load(at(pointer(16), p * n + i)));
    v128.store(at(pointer(17), i), f32x4.mul(sum, f32x4.splat(factor)));
  }
  for (; i < end; i++) {
    let sum: f32 = 0;
    for (let p = 0; p < parts; p++) sum += load<f32>(at(pointer(16), p * n + i));
    store<f32>(at(pointer(17), i), sum * factor);
  }
}

/** Operation: per column, o = p * a + q * b + c (q may be missing). 16 p  17 q  18 o  19 a  20 b  21 c  22 rows  23 m  24 rows a task  25 relu */
export function affineTask(task: i32): void {
  const m = word(23), end = min(word(22), (task + 1) * word(24)), relu = word(25) != 0;
  const a = pointer(19), b = pointer(20), c = pointer(21), zero = f32x4.splat(0);
  for (let row = task * word(24); row < end; row++) {
    const p = at(pointer(16), row * m), o = at(pointer(18), row * m), q = pointer(17) ? at(pointer(17), row * m) : 0;
    let j = 0;
    for (; j + 4 <= m; j += 4) {
      let v = v128.load(at(p, j));
      if (a) v = f32x4.mul(v, v128.load(at(a, j)));
      if (q) v = f32x4.add(v, f32x4.mul(v128.load(at(q, j)), v128.load(at(b, j))));
      if (c) v = f32x4.add(v, v128.load(at(c, j)));
      if (relu) v = v128.andnot(v, f32x4.lt(v, zero));
      v128.store(at(o, j), v);
    }
    for (; j < m; j++) {
      let v = load<f32>(at(p, j));
      if (a) v *= load<f32>(at(a, j));
      if (q) v += load<f32>(at(q, j)) * load<f32>(at(b, j));
      if (c) v += load<f32>(at(c, j));
      if (relu && v < 0) v = 0;
      store<f32>(at(o, j), v);
    }
  }
}
