import { at, pointer, scratchOf, word } from './control';
import { B, C, DH, DW, H, KH, KW, LEFT, OC, OH, OW, PIXEL, PLAIN, SH, SW, TAP, TOP, W, offsets } from './geometry';
import { micro } from './micro';
import { packA, packB } from './pack';

const KC: i32 = 256;
const MC: i32 = 128;

// a thread's scratch, in bytes: a packed block of A, its row and column offsets, a cut tile, then what an operation wants
const ROWS: usize = MC * KC * 4;
const COLUMNS: usize = ROWS + MC * 4;
const TILE: usize = COLUMNS + KC * 4;
export const FREE: usize = TILE + 128;

/** Depth of the next block: 256, or half of what is left when that is less than two blocks. A function of K alone. */
// @ts-ignore: decorator
@inline
export function depth(left: i32): i32 {
  return left <= KC ? left : left < 2 * KC ? (left + 1) >> 1 : KC;
}

/** Where an operand A begins and how it is addressed. */
let aBase: usize = 0;
let aRowKind: i32 = 0;
let aRowStride: i32 = 0;
let aColumnKind: i32 = 0;
let aColumnStride: i32 = 0;

// @ts-ignore: decorator
@inline
function operand(base: usize, rowKind: i32, rowStride: i32, columnKind: i32, columnStride: i32): void {
  aBase = base;
  aRowKind = rowKind;
  aRowStride = rowStride;
  aColumnKind = columnKind;
  aColumnStride = columnStride;
}

/** C[m x n] = A[row.., 0..k] * B, B packed in panels `panel` bytes apart. Rows at most MC. */
function block(row: i32, m: i32, n: i32, k: i32, b: usize, panel: usize, c: usize, ldc: i32, bias: usize, relu: bool, scratch: usize): void {
  offsets(scratch + ROWS, aRowKind, aRowStride, row, m);
  for (let k0 = 0; k0 < k; ) {
    const kc = depth(k - k0);
    const last = k0 + kc >= k;
    offsets(scratch + COLUMNS, aColumnKind, aColumnStride, k0, kc);
    packA(scratch, aBase, scratch + ROWS, scratch + COLUMNS, m, kc);
    multiply(scratch, (<usize>kc) << 4, scratch + TILE, m, n, kc, b + ((<usize>k0) << 5), panel, 32, c, ldc, k0 > 0, last ? bias : 0, last && relu);
    k0 += kc;
  }
}

/** C[m x n] of one k-block; A's panels of four rows are `aPanel` bytes apart, B's of eight columns `panel`. */
// @ts-ignore: decorator
@inline
function multiply(a: usize, aPanel: usize, tile: usize, m: i32, n: i32, k: i32, b: usize, panel: usize, step: usize, c: usize, ldc: i32, accumulate: bool, bias: usize, relu: bool): void {
  const row = <usize>ldc << 2;
  for (let j = 0; j < n; j += 8, b += panel) {
    for (let i = 0; i < m; i += 4) {
      micro(k, a + <usize>(i >> 2) * aPanel, b, step, at(c, i * ldc + j), row, m - i, n - j, accumulate, bias ? at(bias, j) : 0, relu, tile);
    }
  }
}

/**
 * Operation: C = A * packed B (+ bias, relu), for a batch of matrices.
 * 16 A  17 row kind  18 row stride  19 column stride  20 packed B  21 C  22 M  23 N  24 K  25 bias  26 relu
 * 27 rows a task  28 row blocks  29 columns a task  30 column blocks  31, 32, 33 strides between matrices of A, B, C
 */
export function gemmTask(task: i32, thread: i32): void {
  const rowBlocks = word(28), columnBlocks = word(30), n = word(23), k = word(24), kind = word(17);
  const matrix = task / (rowBlocks * columnBlocks);
  const rest = task % (rowBlocks * columnBlocks);
  const columns = word(29), rows = word(27);
  const j = (rest / rowBlocks) * columns;
  const end = min(word(22), (rest % rowBlocks) * rows + rows);
  const bias = pointer(25), panel = (<usize>k) << 5;
  operand(at(pointer(16), matrix * word(31)), kind, word(18), kind == PIXEL ? TAP : PLAIN, word(19));
  const b = at(pointer(20), matrix * word(32) + j * k);
  const c = at(pointer(21), matrix * word(33) + j);
  for (let i = (rest % rowBlocks) * rows; i < end; i += MC) {
    block(i, min(MC, end - i), min(columns, n - j), k, b, panel, at(c, i * n), n, bias ? at(bias, j) : 0, word(26) != 0, scratchOf(thread));
  }
}

/** Operation: packs four rows of A whole. 16 A  17 row stride  18 column stride  19 M  20 K  21 target */
export function packRowsTask(task: i32, thread: i32): void {
  const k = word(20), row = task * 4;
  const scratch = scratchOf(thread);
  const m = min(4, word(19) - row);
  offsets(scratch + ROWS, PLAIN, word(17), row, m);
  for (let k0 = 0; k0 < k; k0 += KC) {
    const kc = min(KC, k - k0);
    offsets(scratch + COLUMNS, PLAIN, word(18), k0, kc);
    packA(pointer(21) + ((<usize>(task * k + k0)) << 4), pointer(16), scratch + ROWS, scratch + COLUMNS, m, kc);
  }
}

/**
 * Operation: some columns of C = packed A * B (+ bias, relu), for few rows: B is read once and packed where it is used.
 * 16 packed A  17 B  18 row stride  19 column stride  20 C  21 M  22 N  23 K  24 bias  25 relu  26 columns a task
 */
export function gemmColumnsTask(task: i32, thread: i32): void {
  const m = word(21), n = word(22), k = word(23), rowStride = word(18), columnStride = word(19);
  const scratch = scratchOf(thread), j = task * word(26), bias = pointer(24);
  const columns = min(word(26), n - j);
  const c = at(pointer(20), j);
  for (let k0 = 0; k0 < k; ) {
    const kc = depth(k - k0);
    const last = k0 + kc >= k;
    packB(scratch + FREE, at(pointer(17), k0 * rowStride + j * columnStride), rowStride, columnStride, kc, columns);
    const a = pointer(16) + ((<usize>k0) << 4);
    multiply(a, (<usize>k) << 4, scratch + TILE, m, columns, kc, scratch + FREE, (<usize>kc) << 5, 32, c, n, k0 > 0, last && bias ? at(bias, j) : 0, last && word(25) != 0);
    k0 += kc;
  }
}

/**
 * Operation: a part of the filter's gradient, over one of a fixed number of stretches of pixels.
 * 16 padded x  17 dy  18 parts, one gradient each  19 pixels a stretch  20 taps a task (at most MC)  21 tasks a stretch
 */
export function filterGradientTask(task: i32, thread: i32): void {
  const perStretch = word(21), size = word(19), oc = OC(), all = KH() * KW() * C();
  const stretch = task / perStretch, row = (task % perStretch) * word(20);
  const m = min(word(20), all - row);
  const from = stretch * size, to = min(from + size, B() * OH() * OW());
  const scratch = scratchOf(thread);
  const direct = oc % 8 == 0 && oc <= 64;
  const c = at(pointer(18), (stretch * all + row) * oc);
  operand(pointer(16), TAP, 0, PIXEL, 0);
  offsets(scratch + ROWS, TAP, 0, row, m);
  for (let k0 = from; k0 < to; k0 += KC) {
    const kc = min(KC, to - k0);
    offsets(scratch + COLUMNS, PIXEL, 0, k0, kc);
    packA(scratch, aBase, scratch + ROWS, scratch + COLUMNS, m, kc);
    const dy = at(pointer(17), k0 * oc);
    if (direct) multiply(scratch, (<usize>kc) << 4, scratch + TILE, m, oc, kc, dy, 32, <usize>oc << 2, c, oc, k0 > from, 0, false);
    else {
      packB(scratch + FREE, dy, oc, 1, kc, oc);
      multiply(scratch, (<usize>kc) << 4, scratch + TILE, m, oc, kc, scratch + FREE, (<usize>kc) << 5, 32, c, oc, k0 > from, 0, false);
    }
  }
}

/**
 * Operation: the input's gradient of one image: dy * filter transposed (packed), added up where the taps read.
 * 16 dy  17 packed filter  18 dx  19 output rows at a time
 */
export function inputGradientTask(image: i32, thread: i32): void {
  const h = H(), w = W(), c = C(), oh = OH(), ow = OW(), oc = OC(), chunk = word(19);
  const columns = KH() * KW() * c;
  const scratch = scratchOf(thread);
  const dx = at(pointer(18), image * h * w * c);
  memory.fill(dx, 0, (<usize>(h * w * c)) << 2);
  for (let y = 0; y < oh; y += chunk) {
    const pixels = min(chunk, oh - y) * ow;
    operand(at(pointer(16), (image * oh + y) * ow * oc), PLAIN, oc, PLAIN, 1);
    for (let i = 0; i < pixels; i += MC) {
      block(i, min(MC, pixels - i), columns, oc, pointer(17), (<usize>oc) << 5, at(scratch + FREE, i * columns), columns, 0, false, scratch);
    }
    addWindows(dx, scratch + FREE, y, min(oh, y + chunk));
  }
}

/** Adds rows [y, end) of columns to the image, tap by tap; what falls outside of it is dropped. */
function addWindows(dx: usize, columns: usize, y: i32, end: i32): void {
  const h = H(), w = W(), c = C(), ow = OW(), kh = KH(), kw = KW(), sh = SH(), sw = SW(), dh = DH(), dw = DW(), top = TOP(), left = LEFT();
  const bytes = (<usize>c) << 2;
  for (; y < end; y++) {
    for (let x = 0; x < ow; x++) {
      for (let fy = 0; fy < kh; fy++) {
        const iy = y * sh - top + fy * dh;
        if (iy < 0 || iy >= h) {
          columns += <usize>kw * bytes;
          continue;
        }
        const start = x * sw - left;
        if (dw == 1 && start >= 0 && start + kw <= w) {
          addRun(at(dx, (iy * w + start) * c), columns, kw * c);
          columns += <usize>kw * bytes;
          continue;
        }
        for (let fx = 0; fx < kw; fx++, columns += bytes) {
          const ix = start + fx * dw;
          if (ix >= 0 && ix < w) addRun(at(dx, (iy * w + ix) * c), columns, c);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addRun(to: usize, from: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(at(to, i), f32x4.add(v128.load(at(to, i)), v128.load(at(from, i))));
  for (; i < count; i++) store<f32>(at(to, i), load<f32>(at(to, i)) + load<f32>(at(from, i)));
}
