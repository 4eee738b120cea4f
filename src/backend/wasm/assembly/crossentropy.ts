import { at, pointer, word } from './control';

/**
 * Operation: of rows of scores [rows, units] and the class of each row: the sum of e^(score - top) and top - score of the class, both
 * float64, and how the class ranks: 2 * (how many score higher) + (1 where one before it scores as high).
 * 16 scores  17 classes  18 sums  19 distances  20 ranks  21 rows  22 units  23 rows a task
 */
export function crossentropyTask(task: i32): void {
  const units = word(22), end = min(word(21), (task + 1) * word(23));
  for (let row = task * word(23); row < end; row++) {
    const scores = at(pointer(16), row * units);
    const own = load<i32>(at(pointer(17), row));
    const score = load<f32>(at(scores, own));
    const top = largest(scores, units);
    store<f64>(pointer(18) + ((<usize>row) << 3), sumOfPowers(scores, units, <f64>top));
    store<f64>(pointer(19) + ((<usize>row) << 3), <f64>top - <f64>score);
    store<i32>(at(pointer(20), row), rankOf(scores, units, own, score));
  }
}

function largest(scores: usize, units: i32): f32 {
  let u = 0;
  let top: f32 = -Infinity;
  if (units >= 4) {
    let v = v128.load(scores);
    for (u = 4; u + 4 <= units; u += 4) v = f32x4.max(v, v128.load(at(scores, u)));
    top = max<f32>(max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
  }
  for (; u < units; u++) top = max<f32>(top, load<f32>(at(scores, u)));
  return top;
}

function sumOfPowers(scores: usize, units: i32, top: f64): f64 {
  const shift = f64x2.splat(top);
  let total = f64x2.splat(0);
  let u = 0;
  for (; u + 4 <= units; u += 4) {
    const v = v128.load(at(scores, u));
    total = f64x2.add(total, power(f64x2.sub(f64x2.promote_low_f32x4(v), shift)));
    const w = v128.shuffle<i64>(v, v, 1, 1);
    total = f64x2.add(total, power(f64x2.sub(f64x2.promote_low_f32x4(w), shift)));
  }
  if (u + 2 <= units) {
    total = f64x2.add(total, power(f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at(scores, u))), shift)));
    u += 2;
  }
  let sum = f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
  for (; u < units; u++) sum += f64x2.extract_lane(power(f64x2.splat(<f64>load<f32>(at(scores, u)) - top)), 0);
  return sum;
}

/** e^x for x <= 0 to about one unit in the last place: 2^n e^r, |r| <= ln 2 / 2, Taylor's series of e^r to r^13; below e^-708 as there. */
// @ts-ignore: decorator
@inline
function power(x: v128): v128 {
  x = f64x2.max(x, f64x2.splat(-708));
  const n = f64x2.nearest(f64x2.mul(x, f64x2.splat(1.4426950408889634)));
  // ln 2 in two parts, the first exact times n
  let r = f64x2.sub(x, f64x2.mul(n, f64x2.splat(0.6931471803691238)));
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(1.9082149292705877e-10)));
  // Estrin's scheme: the sums are short chains side by side
  const r2 = f64x2.mul(r, r), r4 = f64x2.mul(r2, r2), r8 = f64x2.mul(r4, r4);
  const low = plus(plus(pair(r, 1, 1), r2, pair(r, 0.5, 1 / 6.0)), r4, plus(pair(r, 1 / 24.0, 1 / 120.0), r2, pair(r, 1 / 720.0, 1 / 5040.0)));
  const middle = plus(pair(r, 1 / 40320.0, 1 / 362880.0), r2, pair(r, 1 / 3628800.0, 1 / 39916800.0));
  const p = plus(low, r8, plus(middle, r4, pair(r, 1 / 479001600.0, 1 / 6227020800.0)));
  const exponent = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(n));
  return f64x2.mul(p, i64x2.shl(i64x2.add(exponent, i64x2.splat(1023)), 52));
}

/** a + b r */
// @ts-ignore: decorator
@inline
function pair(r: v128, a: f64, b: f64): v128 {
  return f64x2.add(f64x2.splat(a), f64x2.mul(r, f64x2.splat(b)));
}

/** a + x b */
// @ts-ignore: decorator
@inline
function plus(a: v128, x: v128, b: v128): v128 {
  return f64x2.add(a, f64x2.mul(x, b));
}

function rankOf(scores: usize, units: i32, own: i32, score: f32): i32 {
  const v = f32x4.splat(score);
  let higher = 0, u = 0;
  for (; u + 4 <= units; u += 4) higher += popcnt(i32x4.bitmask(f32x4.gt(v128.load(at(scores, u)), v)));
  for (; u < units; u++) higher += i32(load<f32>(at(scores, u)) > score);
  let tied = 0;
  for (u = 0; u < own && tied == 0; u++) tied = i32(load<f32>(at(scores, u)) == score);
  return 2 * higher + tied;
}
