import { at, pointer, word } from './control';
import { B, C, DH, DW, H, KH, KW, LEFT, OH, OW, SH, SW, TOP, W } from './geometry';

/** acc[c] += a[c] * b[c] */
// @ts-ignore: decorator
@inline
function addProduct(acc: usize, a: usize, b: usize, c: i32): void {
  let i = 0;
  for (; i + 4 <= c; i += 4) v128.store(at(acc, i), f32x4.add(v128.load(at(acc, i)), f32x4.mul(v128.load(at(a, i)), v128.load(at(b, i)))));
  for (; i < c; i++) store<f32>(at(acc, i), load<f32>(at(acc, i)) + load<f32>(at(a, i)) * load<f32>(at(b, i)));
}

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
function ceilDivide(a: i32, b: i32): i32 {
  return a <= 0 ? 0 : (a + b - 1) / b;
}

/** Operation: depthwise convolution (one filter a channel) of one row of output pixels. 16 x  17 filter  18 y  19 bias  20 relu */
export function depthwiseTask(row: i32): void {
  const c = C(), w = W(), h = H(), oh = OH(), ow = OW(), kw = KW(), sw = SW(), dh = DH(), dw = DW(), left = LEFT();
  const x = at(pointer(16), (row / oh) * h * w * c), filter = pointer(17), bias = pointer(19), relu = word(20) != 0;
  const top = (row % oh) * SH() - TOP();
  const fy0 = ceilDivide(-top, dh), fy1 = min(KH(), ceilDivide(h - top, dh));
  let to = at(pointer(18), row * ow * c);
  for (let ox = 0; ox < ow; ox++, to += (<usize>c) << 2) {
    const start = ox * sw - left;
    const fx0 = ceilDivide(-start, dw), fx1 = min(kw, ceilDivide(w - start, dw));
    let i = 0;
    for (; i + 4 <= c; i += 4) {
      let sum = bias ? v128.load(at(bias, i)) : f32x4.splat(0);
      for (let fy = fy0; fy < fy1; fy++) {
        const line = ((top + fy * dh) * w + start) * c + i;
        for (let fx = fx0; fx < fx1; fx++) sum = madd(v128.load(at(x, line + fx * dw * c)), v128.load(at(filter, (fy * kw + fx) * c + i)), sum);
      }
      if (relu) sum = v128.andnot(sum, f32x4.lt(sum, f32x4.splat(0)));
      v128.store(at(to, i), sum);
    }
    for (; i < c; i++) {
      let sum: f32 = bias ? load<f32>(at(bias, i)) : 0;
      for (let fy = fy0; fy < fy1; fy++) {
        const line = ((top + fy * dh) * w + start) * c + i;
        for (let fx = fx0; fx < fx1; fx++) sum += load<f32>(at(x, line + fx * dw * c)) * load<f32>(at(filter, (fy * kw + fx) * c + i));
      }
      store<f32>(at(to, i), relu && sum < 0 ? 0 : sum);
    }
  }
}

/** Operation: its input's gradient of one row of input pixels. 16 dy  17 filter  18 dx */
export function depthwiseInputGradientTask(row: i32): void {
  const c = C(), w = W(), h = H(), oh = OH(), ow = OW(), kh = KH(), kw = KW(), sh = SH(), sw = SW(), dw = DW(), left = LEFT();
  const dy = at(pointer(16), (row / h) * oh * ow * c), filter = pointer(17);
  const iy = (row % h) + TOP(), dh = DH();
  let to = at(pointer(18), row * w * c);
  const bytes = (<usize>c) << 2;
  for (let x = 0; x < w; x++, to += bytes) {
    memory.fill(to, 0, bytes);
    for (let fy = 0; fy < kh; fy++) {
      const y = iy - fy * dh;
      if (y < 0 || y % sh != 0 || y / sh >= oh) continue;
      for (let fx = 0; fx < kw; fx++) {
        const ox = x + left - fx * dw;
        if (ox >= 0 && ox % sw == 0 && ox / sw < ow) addProduct(to, at(dy, ((y / sh) * ow + ox / sw) * c), at(filter, (fy * kw + fx) * c), c);
      }
    }
  }
}

/** Operation: a part of its filter's gradient, over some images. 16 x  17 dy  18 parts, one gradient each  19 images a task */
export function depthwiseFilterGradientTask(task: i32): void {
  const c = C(), w = W(), h = H(), oh = OH(), ow = OW(), kh = KH(), kw = KW(), sh = SH(), sw = SW(), dh = DH(), dw = DW(), top = TOP(), left = LEFT();
  const to = at(pointer(18), task * kh * kw * c), end = min(B(), (task + 1) * word(19));
  memory.fill(to, 0, (<usize>(kh * kw * c)) << 2);
  for (let b = task * word(19); b < end; b++) {
    for (let oy = 0; oy < oh; oy++) {
      for (let fy = 0; fy < kh; fy++) {
        const iy = oy * sh - top + fy * dh;
        if (iy < 0 || iy >= h) continue;
        for (let ox = 0; ox < ow; ox++) {
          const dy = at(pointer(17), ((b * oh + oy) * ow + ox) * c);
          for (let fx = 0; fx < kw; fx++) {
            const ix = ox * sw - left + fx * dw;
            if (ix >= 0 && ix < w) addProduct(at(to, (fy * kw + fx) * c), at(pointer(16), ((b * h + iy) * w + ix) * c), dy, c);
          }
        }
      }
    }
  }
}
