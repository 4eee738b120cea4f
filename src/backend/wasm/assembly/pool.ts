import { at, pointer, word } from './control';
import { C, H, KH, KW, LEFT, OH, OW, SH, SW, TOP, W } from './geometry';

/** The part of a window inside the image: rows [y0, y1), columns [x0, x1). */
let y0: i32 = 0, y1: i32 = 0, x0: i32 = 0, x1: i32 = 0;

// @ts-ignore: decorator
@inline
function clip(oy: i32, ox: i32): void {
  const y = oy * SH() - TOP(), x = ox * SW() - LEFT();
  y0 = max(0, y);
  y1 = min(H(), y + KH());
  x0 = max(0, x);
  x1 = min(W(), x + KW());
}

/** Operation: max pooling of one row of output pixels. 16 x  17 y. */
export function maxPoolTask(row: i32): void {
  const c = C(), w = W(), oh = OH(), ow = OW();
  const x = at(pointer(16), (row / oh) * H() * w * c);
  let to = at(pointer(17), row * ow * c);
  for (let ox = 0; ox < ow; ox++, to += (<usize>c) << 2) {
    clip(row % oh, ox);
    const ya = y0, yb = y1, xa = x0, xb = x1;
    let i = yb - ya == 2 && xb - xa == 2 ? maxOfFour(to, at(x, (ya * w + xa) * c), c, w * c) : 0;
    for (; i + 4 <= c; i += 4) {
      let best = v128.load(at(x, (ya * w + xa) * c + i));
      for (let iy = ya; iy < yb; iy++) for (let ix = xa; ix < xb; ix++) best = f32x4.pmax(best, v128.load(at(x, (iy * w + ix) * c + i)));
      v128.store(at(to, i), best);
    }
    for (; i < c; i++) {
      let best = load<f32>(at(x, (ya * w + xa) * c + i));
      for (let iy = ya; iy < yb; iy++) for (let ix = xa; ix < xb; ix++) {
        const value = load<f32>(at(x, (iy * w + ix) * c + i));
        if (value > best) best = value;
      }
      store<f32>(at(to, i), best);
    }
  }
}

/** The maxima over a window of 2 x 2 pixels, of all channels but the last c % 4. Rows are `row` elements apart. Answers how many. */
// @ts-ignore: decorator
@inline
function maxOfFour(to: usize, x: usize, c: i32, row: i32): i32 {
  const right = at(x, c), below = at(x, row), corner = at(x, row + c);
  let i = 0;
  for (; i + 4 <= c; i += 4) {
    const best = f32x4.pmax(f32x4.pmax(v128.load(at(x, i)), v128.load(at(right, i))), v128.load(at(below, i)));
    v128.store(at(to, i), f32x4.pmax(best, v128.load(at(corner, i))));
  }
  return i;
}

/** Writes the gradient of such a window, which overlaps no other: to the first pixel that holds the maximum. */
// @ts-ignore: decorator
@inline
function gradientOfFour(dx: usize, x: usize, dy: usize, sums: usize, c: i32, row: i32, relu: bool): i32 {
  const zero = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= c; i += 4) {
    const p = at(x, i), q = at(dx, i);
    const first = v128.load(p), right = v128.load(at(p, c)), below = v128.load(at(p, row)), corner = v128.load(at(p, row + c));
    const best = f32x4.pmax(f32x4.pmax(f32x4.pmax(first, right), below), corner);
    let d = v128.load(at(dy, i));
    if (relu) d = v128.and(d, f32x4.gt(best, zero));
    if (sums) v128.store(at(sums, i), f32x4.add(v128.load(at(sums, i)), d));
    let hit = f32x4.eq(first, best);
    v128.store(q, v128.and(d, hit));
    d = v128.andnot(d, hit);
    hit = f32x4.eq(right, best);
    v128.store(at(q, c), v128.and(d, hit));
    d = v128.andnot(d, hit);
    hit = f32x4.eq(below, best);
    v128.store(at(q, row), v128.and(d, hit));
    d = v128.andnot(d, hit);
    v128.store(at(q, row + c), v128.and(d, f32x4.eq(corner, best)));
  }
  return i;
}

/** Operation: max pooling's gradient of one image: to the first pixel that holds the maximum. 16 x  17 dy  18 dx  19 whether x came from a relu, which the gradient passes too  20 sums of dx per channel, one row an image (0: none) */
export function maxPoolGradientTask(image: i32): void {
  const c = C(), w = W(), h = H(), oh = OH(), ow = OW();
  const x = at(pointer(16), image * h * w * c), dx = at(pointer(18), image * h * w * c);
  let dy = at(pointer(17), image * oh * ow * c);
  const relu = word(19) != 0, zero = f32x4.splat(0);
  // windows that do not overlap write each pixel once
  const apart = SH() >= KH() && SW() >= KW();
  const covered = apart && SH() == KH() && SW() == KW() && TOP() == 0 && LEFT() == 0 && oh * SH() >= h && ow * SW() >= w;
  if (!covered) memory.fill(dx, 0, (<usize>(h * w * c)) << 2);
  const sums = pointer(20) ? at(pointer(20), image * c) : 0;
  if (sums) memory.fill(sums, 0, (<usize>c) << 2);
  for (let oy = 0; oy < oh; oy++) {
    for (let ox = 0; ox < ow; ox++, dy += (<usize>c) << 2) {
      clip(oy, ox);
      const ya = y0, yb = y1, xa = x0, xb = x1;
      const start = (ya * w + xa) * c;
      let i = apart && yb - ya == 2 && xb - xa == 2 ? gradientOfFour(at(dx, start), at(x, start), dy, sums, c, w * c, relu) : 0;
      for (; i + 4 <= c; i += 4) {
        let best = v128.load(at(x, (ya * w + xa) * c + i));
        for (let iy = ya; iy < yb; iy++) for (let ix = xa; ix < xb; ix++) best = f32x4.pmax(best, v128.load(at(x, (iy * w + ix) * c + i)));
        let d = v128.load(at(dy, i));
        if (relu) d = v128.and(d, f32x4.gt(best, zero));
        // each window hands its gradient to one pixel
        if (sums) v128.store(at(sums, i), f32x4.add(v128.load(at(sums, i)), d));
        let open = i32x4.splat(-1);
        for (let iy = ya; iy < yb; iy++) {
          for (let ix = xa; ix < xb; ix++) {
            const p = (iy * w + ix) * c + i;
            const hit = v128.and(open, f32x4.eq(v128.load(at(x, p)), best));
            const part = v128.and(d, hit);
            v128.store(at(dx, p), apart ? part : f32x4.add(v128.load(at(dx, p)), part));
            open = v128.andnot(open, hit);
          }
        }
      }
      for (; i < c; i++) {
        let where = (ya * w + xa) * c + i;
        let best = load<f32>(at(x, where));
        if (covered) for (let iy = ya; iy < yb; iy++) for (let ix = xa; ix < xb; ix++) store<f32>(at(dx, (iy * w + ix) * c + i), 0);
        for (let iy = ya; iy < yb; iy++) {
          for (let ix = xa; ix < xb; ix++) {
            const p = (iy * w + ix) * c + i;
            const value = load<f32>(at(x, p));
            if (value > best) {
              best = value;
              where = p;
            }
          }
        }
        if (!relu || best > 0) {
          store<f32>(at(dx, where), load<f32>(at(dx, where)) + load<f32>(at(dy, i)));
          if (sums) store<f32>(at(sums, i), load<f32>(at(sums, i)) + load<f32>(at(dy, i)));
        }
      }
    }
  }
}

/** Operation: average pooling of one row of output pixels, over the pixels inside the image. 16 x  17 y */
export function averagePoolTask(row: i32): void {
  const c = C(), w = W(), oh = OH(), ow = OW();
  const x = at(pointer(16), (row / oh) * H() * w * c);
  let to = at(pointer(17), row * ow * c);
  for (let ox = 0; ox < ow; ox++, to += (<usize>c) << 2) {
    clip(row % oh, ox);
    const ya = y0, yb = y1, xa = x0, xb = x1;
    const count = <f32>((yb - ya) * (xb - xa));
    let i = 0;
    for (; i + 4 <= c; i += 4) {
      let sum = f32x4.splat(0);
      for (let iy = ya; iy < yb; iy++) for (let ix = xa; ix < xb; ix++) sum = f32x4.add(sum, v128.load(at(x, (iy * w + ix) * c + i)));
      v128.store(at(to, i), f32x4.div(sum, f32x4.splat(count)));
    }
    for (; i < c; i++) {
      let sum: f32 = 0;
      for (let iy = ya; iy < yb; iy++) for (let ix = xa; ix < xb; ix++) sum += load<f32>(at(x, (iy * w + ix) * c + i));
      store<f32>(at(to, i), sum / count);
    }
  }
}

/** Operation: average pooling's gradient of one image. 16 dy  17 dx */
export function averagePoolGradientTask(image: i32): void {
  const c = C(), w = W(), h = H(), oh = OH(), ow = OW();
  const dx = at(pointer(17), image * h * w * c);
  let dy = at(pointer(16), image * oh * ow * c);
  memory.fill(dx, 0, (<usize>(h * w * c)) << 2);
  for (let oy = 0; oy < oh; oy++) {
    for (let ox = 0; ox < ow; ox++, dy += (<usize>c) << 2) {
      clip(oy, ox);
      const share = <f32>1 / <f32>((y1 - y0) * (x1 - x0));
      for (let iy = y0; iy < y1; iy++) {
        for (let ix = x0; ix < x1; ix++) {
          const to = at(dx, (iy * w + ix) * c);
          let i = 0;
          for (; i + 4 <= c; i += 4) v128.store(at(to, i), f32x4.add(v128.load(at(to, i)), f32x4.mul(v128.load(at(dy, i)), f32x4.splat(share))));
          for (; i < c; i++) store<f32>(at(to, i), load<f32>(at(to, i)) + load<f32>(at(dy, i)) * share);
        }
      }
    }
  }
}
