import { at, pointer, scratchOf, word } from './control';
import { FREE, depth } from './gemm';
import { PIXEL, PLAIN, TAP, offsets } from './geometry';
import { cut, finish, madd } from './micro';
import { packA } from './pack';

const KC: i32 = 256;
const MC: i32 = 128;
// as in gemm.ts, then what is left of the packed block: per panel of four rows how many columns, and where each stands in B
const ROWS: usize = MC * KC * 4;
const COLUMNS: usize = ROWS + MC * 4;
const TILE: usize = COLUMNS + KC * 4;
const COUNTS: usize = FREE;
const LIST: usize = COUNTS + MC;

/**
 * Operation: as gemm, for an A whose neighbouring rows are zero in the same places: columns of four rows that hold zeros only
 * are left out of the sum. The same bytes as gemm's, but where B is not finite. Arguments as gemm's.
 */
export function gemmAlikeTask(task: i32, thread: i32): void {
  const rowBlocks = word(28), columnBlocks = word(30), n = word(23), k = word(24), kind = word(17);
  const matrix = task / (rowBlocks * columnBlocks);
  const rest = task % (rowBlocks * columnBlocks);
  const columns = word(29), rows = word(27);
  const j = (rest / rowBlocks) * columns;
  const end = min(word(22), (rest % rowBlocks) * rows + rows);
  const bias = pointer(25), scratch = scratchOf(thread), panel = (<usize>k) << 5;
  const a = at(pointer(16), matrix * word(31));
  const b = at(pointer(20), matrix * word(32) + j * k);
  const c = at(pointer(21), matrix * word(33) + j);
  for (let i = (rest % rowBlocks) * rows; i < end; i += MC) {
    const m = min(MC, end - i);
    offsets(scratch + ROWS, kind, word(18), i, m);
    for (let k0 = 0; k0 < k; ) {
      const kc = depth(k - k0);
      const last = k0 + kc >= k;
      offsets(scratch + COLUMNS, kind == PIXEL ? TAP : PLAIN, word(19), k0, kc);
      packA(scratch, a, scratch + ROWS, scratch + COLUMNS, m, kc);
      for (let p = 0; p << 2 < m; p++) store<i32>(at(scratch + COUNTS, p), withoutZeros(scratch + ((<usize>(p * kc)) << 4), scratch + LIST + (<usize>(p * KC) << 2), kc));
      multiply(scratch, m, min(columns, n - j), kc, b + ((<usize>k0) << 5), panel, at(c, i * n), n, k0 > 0, last && bias ? at(bias, j) : 0, last && word(26) != 0);
      k0 += kc;
    }
  }
}

/** Moves the columns of a panel that are not all zero together. Writes where they stood, in bytes of B; returns how many they are. */
function withoutZeros(panel: usize, list: usize, k: i32): i32 {
  let to = panel, entry = list;
  for (let q = 0; q < k; q++, panel += 16) {
    const v = v128.load(panel);
    v128.store(to, v);
    store<i32>(entry, q << 5);
    const step = <usize>i32(v128.any_true(v));
    to += step << 4;
    entry += step << 2;
  }
  return <i32>((entry - list) >> 2);
}

// @ts-ignore: decorator
@inline
function multiply(scratch: usize, m: i32, n: i32, kc: i32, b: usize, panel: usize, c: usize, ldc: i32, accumulate: bool, bias: usize, relu: bool): void {
  const row = <usize>ldc << 2;
  for (let j = 0; j < n; j += 8, b += panel) {
    for (let i = 0; i < m; i += 4) {
      const p = i >> 2;
      micro(load<i32>(at(scratch + COUNTS, p)), scratch + ((<usize>(p * kc)) << 4), scratch + LIST + (<usize>(p * KC) << 2), b, at(c, i * ldc + j), row, m - i, n - j, accumulate, bias ? at(bias, j) : 0, relu, scratch + TILE);
    }
  }
}

/** As micro.ts's, for the listed rows of B. */
function micro(k: i32, a: usize, list: usize, b: usize, c: usize, row: usize, rows: i32, columns: i32, accumulate: bool, bias: usize, relu: bool, temporary: usize): void {
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  for (; k > 0; k--) {
    const p = b + <usize>load<u32>(list);
    const b0 = v128.load(p), b1 = v128.load(p, 16);
    const a0 = v128.load32_splat(a);
    s00 = madd(a0, b0, s00);
    s01 = madd(a0, b1, s01);
    const a1 = v128.load32_splat(a, 4);
    s10 = madd(a1, b0, s10);
    s11 = madd(a1, b1, s11);
    const a2 = v128.load32_splat(a, 8);
    s20 = madd(a2, b0, s20);
    s21 = madd(a2, b1, s21);
    const a3 = v128.load32_splat(a, 12);
    s30 = madd(a3, b0, s30);
    s31 = madd(a3, b1, s31);
    a += 16;
    list += 4;
  }
  if (rows >= 4 && columns >= 8) {
    let b0 = zero, b1 = zero;
    if (bias) {
      b0 = v128.load(bias);
      b1 = v128.load(bias, 16);
    }
    finish(c, s00, s01, b0, b1, accumulate, relu);
    finish(c + row, s10, s11, b0, b1, accumulate, relu);
    finish(c + 2 * row, s20, s21, b0, b1, accumulate, relu);
    finish(c + 3 * row, s30, s31, b0, b1, accumulate, relu);
    return;
  }
  v128.store(temporary, s00);
  v128.store(temporary, s01, 16);
  v128.store(temporary, s10, 32);
  v128.store(temporary, s11, 48);
  v128.store(temporary, s20, 64);
  v128.store(temporary, s21, 80);
  v128.store(temporary, s30, 96);
  v128.store(temporary, s31, 112);
  cut(temporary, c, row, rows, columns, accumulate, bias, relu);
}
