import { at } from './control';

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function finish(to: usize, x: v128, y: v128, b0: v128, b1: v128, accumulate: bool, relu: bool): void {
  x = f32x4.add(x, b0);
  y = f32x4.add(y, b1);
  if (accumulate) {
    x = f32x4.add(x, v128.load(to));
    y = f32x4.add(y, v128.load(to + 16));
  }
  if (relu) {
    const zero = f32x4.splat(0);
    x = v128.andnot(x, f32x4.lt(x, zero));
    y = v128.andnot(y, f32x4.lt(y, zero));
  }
  v128.store(to, x);
  v128.store(to + 16, y);
}

/**
 * C[4 x 8] = A panel * B panel (+ bias) (+ C) (relu). Wider tiles spill: V8 has 15 vector registers.
 * `a`: packed, 16 bytes a step; `b`: `step` bytes a step; `c`: rows `row` bytes apart; `temporary`: 128 bytes for cut tiles.
 */
export function micro(k: i32, a: usize, b: usize, step: usize, c: usize, row: usize, rows: i32, columns: i32, accumulate: bool, bias: usize, relu: bool, temporary: usize): void {
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
  for (; k > 0; k--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    if (ASC_FEATURE_RELAXED_SIMD) {
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
    } else {
      const av = v128.load(a);
      const a0 = v128.shuffle<i32>(av, av, 0, 0, 0, 0);
      s00 = madd(a0, b0, s00);
      s01 = madd(a0, b1, s01);
      const a1 = v128.shuffle<i32>(av, av, 1, 1, 1, 1);
      s10 = madd(a1, b0, s10);
      s11 = madd(a1, b1, s11);
      const a2 = v128.shuffle<i32>(av, av, 2, 2, 2, 2);
      s20 = madd(a2, b0, s20);
      s21 = madd(a2, b1, s21);
      const a3 = v128.shuffle<i32>(av, av, 3, 3, 3, 3);
      s30 = madd(a3, b0, s30);
      s31 = madd(a3, b1, s31);
    }
    a += 16;
    b += step;
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

/** The part of a tile that lies inside C, in the same order of operations as a whole tile. */
export function cut(tile: usize, c: usize, row: usize, rows: i32, columns: i32, accumulate: bool, bias: usize, relu: bool): void {
  for (let i = 0; i < 4 && i < rows; i++, c += row) {
    for (let j = 0; j < 8 && j < columns; j++) {
      let value = load<f32>(at(tile, 8 * i + j));
      if (bias) value += load<f32>(at(bias, j));
      if (accumulate) value += load<f32>(at(c, j));
      if (relu && value < 0) value = 0;
      store<f32>(at(c, j), value);
    }
  }
}
