import { at, pointer, scratchOf, word } from './control';
import { C, DH, DW, H, KH, KW, LEFT, OH, OW, SH, SW, TOP, W } from './geometry';
import { madd } from './micro';

/**
 * Operation: sums that grow column by column of x, and what they are at some widths, for rows of pixels (a convolution's, or one).
 * At width b a row's sums take in the columns ends[b] to ends[b + 1]; where bit b of its flags is set they are then written,
 * plus bias[b], to the row's next place. A row whose bit is not set has only zeros there.
 * 16 x, rows of H * W * C  17 columns, offsets in a pixel  18 ends  19 widths, at most 32  20 packed kernel  21 flags  22 first place of each row
 * 23 sums [rows, pixels, pitch]  24 out [places, pixels, n]  25 bias [widths, pitch]  26 n  27 relu  28 rows  29 rows a task  30 columns in all
 * The kernel in panels of 8 outputs (the last one filled with zeros): panel, column, tap, output.
 */
export function growTask(task: i32, thread: i32): void {
  const end = min(word(28), (task + 1) * word(29)), n = word(26);
  const oh = OH(), ow = OW(), pixels = oh * ow, pitch = (n + 7) & ~7;
  const size = H() * W() * C(), panel = (<usize>(word(30) * KH() * KW())) << 5;
  const list = scratchOf(thread);
  let row = task * word(29);
  if (KH() * KW() == 1 && isDeep()) for (; row + 4 <= end; row += 4) fourRows(row, size, pixels, panel, pitch);
  for (; row < end; row++) {
    const x = at(pointer(16), row * size), flags = load<i32>(at(pointer(21), row));
    const out = at(pointer(24), load<i32>(at(pointer(22), row)) * pixels * n), sums = at(pointer(23), row * pixels * pitch);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const taps = tapsAt(list, pixel / ow, pixel % ow);
      const z = at(sums, pixel * pitch), o = at(out, pixel * n);
      let j = 0, kernel = pointer(20);
      for (; j + 32 <= pitch; j += 32, kernel += 4 * panel) wide(x, list, taps, flags, kernel, panel, at(z, j), at(o, j), j, n, pixels * n);
      for (; j < pitch; j += 8, kernel += panel) narrow(x, list, taps, flags, kernel, at(z, j), at(o, j), j, n, pixels * n);
    }
  }
}

/** Whether a width adds some columns on the average, so that reading the kernel for four rows at once pays. */
function isDeep(): bool {
  const widths = word(19);
  return load<i32>(at(pointer(18), widths)) - load<i32>(pointer(18)) >= 6 * widths;
}

/** Four rows whose pixels are mixed by themselves; every column is added to all of them. */
function fourRows(row: i32, size: i32, pixels: i32, panel: usize, pitch: i32): void {
  const n = word(26);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const y = pixel / OW() * SH(), x = pixel % OW() * SW();
    const from = at(pointer(16), row * size + (y * W() + x) * C());
    let kernel = pointer(20);
    for (let j = 0; j < pitch; j += 8, kernel += panel) fourByEight(row, pixel, from, size, pixels, kernel, pitch, j, n);
  }
}

function fourByEight(row: i32, pixel: i32, x0: usize, size: i32, pixels: i32, kernel: usize, pitch: i32, j: i32, n: i32): void {
  const widths = word(19), columns = pointer(17), relu = word(27) != 0, step = pixels * n, rowSums = <usize>(pixels * pitch) << 2;
  const x1 = at(x0, size), x2 = at(x1, size), x3 = at(x2, size);
  const z = at(pointer(23), (row * pixels + pixel) * pitch + j);
  const f0 = load<i32>(at(pointer(21), row)), f1 = load<i32>(at(pointer(21), row + 1));
  const f2 = load<i32>(at(pointer(21), row + 2)), f3 = load<i32>(at(pointer(21), row + 3));
  const offset = pixel * n + j;
  let o0 = at(pointer(24), load<i32>(at(pointer(22), row)) * step + offset), o1 = at(pointer(24), load<i32>(at(pointer(22), row + 1)) * step + offset);
  let o2 = at(pointer(24), load<i32>(at(pointer(22), row + 2)) * step + offset), o3 = at(pointer(24), load<i32>(at(pointer(22), row + 3)) * step + offset);
  let s00 = v128.load(z), s01 = v128.load(z, 16), s10 = v128.load(z + rowSums), s11 = v128.load(z + rowSums, 16);
  let s20 = v128.load(z + 2 * rowSums), s21 = v128.load(z + 2 * rowSums, 16), s30 = v128.load(z + 3 * rowSums), s31 = v128.load(z + 3 * rowSums, 16);
  for (let b = 0; b < widths; b++) {
    if ((((f0 | f1 | f2 | f3) >>> b) & 1) == 0) continue;
    const last = load<i32>(at(pointer(18), b + 1));
    for (let q = load<i32>(at(pointer(18), b)); q < last; q++) {
      const c = <usize>load<i32>(at(columns, q)) << 2;
      const w = kernel + ((<usize>q) << 5);
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      const v0 = v128.load32_splat(x0 + c);
      s00 = madd(v0, w0, s00);
      s01 = madd(v0, w1, s01);
      const v1 = v128.load32_splat(x1 + c);
      s10 = madd(v1, w0, s10);
      s11 = madd(v1, w1, s11);
      const v2 = v128.load32_splat(x2 + c);
      s20 = madd(v2, w0, s20);
      s21 = madd(v2, w1, s21);
      const v3 = v128.load32_splat(x3 + c);
      s30 = madd(v3, w0, s30);
      s31 = madd(v3, w1, s31);
    }
    const bias = at(pointer(25), b * pitch + j), left = n - j;
    if ((f0 >>> b) & 1) o0 = putEight(o0, s00, s01, bias, relu, left, step, z);
    if ((f1 >>> b) & 1) o1 = putEight(o1, s10, s11, bias, relu, left, step, z);
    if ((f2 >>> b) & 1) o2 = putEight(o2, s20, s21, bias, relu, left, step, z);
    if ((f3 >>> b) & 1) o3 = putEight(o3, s30, s31, bias, relu, left, step, z);
  }
  v128.store(z, s00);
  v128.store(z, s01, 16);
  v128.store(z + rowSums, s10);
  v128.store(z + rowSums, s11, 16);
  v128.store(z + 2 * rowSums, s20);
  v128.store(z + 2 * rowSums, s21, 16);
  v128.store(z + 3 * rowSums, s30);
  v128.store(z + 3 * rowSums, s31, 16);
}

/** Writes eight outputs, fewer at the end; those by way of `spare`. Returns the place of the row's next answer. */
// @ts-ignore: decorator
@inline
function putEight(to: usize, s0: v128, s1: v128, bias: usize, relu: bool, left: i32, step: i32, spare: usize): usize {
  if (left >= 8) {
    put(to, s0, bias, relu);
    put(to + 16, s1, bias + 16, relu);
  } else {
    put(spare, s0, bias, relu);
    put(spare + 16, s1, bias + 16, relu);
    memory.copy(to, spare, (<usize>left) << 2);
  }
  return at(to, step);
}

/** The taps of the window of an output pixel that lie inside the image: offset in x, number of the tap. */
function tapsAt(list: usize, y: i32, x: i32): i32 {
  const h = H(), w = W(), c = C(), kh = KH(), kw = KW();
  let count = 0;
  for (let fy = 0; fy < kh; fy++) {
    const iy = y * SH() - TOP() + fy * DH();
    if (iy < 0 || iy >= h) continue;
    for (let fx = 0; fx < kw; fx++) {
      const ix = x * SW() - LEFT() + fx * DW();
      if (ix < 0 || ix >= w) continue;
      store<i32>(at(list, 2 * count), ((iy * w + ix) * c) << 2);
      store<i32>(at(list, 2 * count + 1), fy * kw + fx);
      count++;
    }
  }
  return count;
}

// @ts-ignore: decorator
@inline
function put(to: usize, value: v128, bias: usize, relu: bool): void {
  value = f32x4.add(value, v128.load(bias));
  if (relu) value = v128.andnot(value, f32x4.lt(value, f32x4.splat(0)));
  v128.store(to, value);
}

/** 32 outputs of one pixel, at all widths. */
function wide(x: usize, list: usize, taps: i32, flags: i32, kernel: usize, panel: usize, z: usize, out: usize, j: i32, n: i32, step: i32): void {
  const widths = word(19), all = KH() * KW(), relu = word(27) != 0, columns = pointer(17), pitch = (n + 7) & ~7;
  let s0 = v128.load(z), s1 = v128.load(z, 16), s2 = v128.load(z, 32), s3 = v128.load(z, 48);
  let s4 = v128.load(z, 64), s5 = v128.load(z, 80), s6 = v128.load(z, 96), s7 = v128.load(z, 112);
  for (let b = 0; b < widths; b++) {
    if (((flags >>> b) & 1) == 0) continue;
    const last = load<i32>(at(pointer(18), b + 1));
    for (let q = load<i32>(at(pointer(18), b)); q < last; q++) {
      const p = at(x, load<i32>(at(columns, q)));
      const w = kernel + (<usize>(q * all) << 5);
      for (let i = 0; i < taps; i++) {
        const entry = load<u64>(list + ((<usize>i) << 3));
        const v = v128.load32_splat(p + <usize>(<u32>entry));
        const t0 = w + (<usize>(entry >> 32) << 5), t1 = t0 + panel, t2 = t1 + panel, t3 = t2 + panel;
        s0 = madd(v, v128.load(t0), s0);
        s1 = madd(v, v128.load(t0, 16), s1);
        s2 = madd(v, v128.load(t1), s2);
        s3 = madd(v, v128.load(t1, 16), s3);
        s4 = madd(v, v128.load(t2), s4);
        s5 = madd(v, v128.load(t2, 16), s5);
        s6 = madd(v, v128.load(t3), s6);
        s7 = madd(v, v128.load(t3, 16), s7);
      }
    }
    const bias = at(pointer(25), b * pitch + j);
    if (j + 32 <= n) {
      put(out, s0, bias, relu);
      put(out + 16, s1, bias + 16, relu);
      put(out + 32, s2, bias + 32, relu);
      put(out + 48, s3, bias + 48, relu);
      put(out + 64, s4, bias + 64, relu);
      put(out + 80, s5, bias + 80, relu);
      put(out + 96, s6, bias + 96, relu);
      put(out + 112, s7, bias + 112, relu);
    } else {
      // the last outputs are past the end: by way of the sums' own place
      put(z, s0, bias, relu);
      put(z + 16, s1, bias + 16, relu);
      put(z + 32, s2, bias + 32, relu);
      put(z + 48, s3, bias + 48, relu);
      put(z + 64, s4, bias + 64, relu);
      put(z + 80, s5, bias + 80, relu);
      put(z + 96, s6, bias + 96, relu);
      put(z + 112, s7, bias + 112, relu);
      memory.copy(out, z, (<usize>(n - j)) << 2);
    }
    out = at(out, step);
  }
  v128.store(z, s0);
  v128.store(z, s1, 16);
  v128.store(z, s2, 32);
  v128.store(z, s3, 48);
  v128.store(z, s4, 64);
  v128.store(z, s5, 80);
  v128.store(z, s6, 96);
  v128.store(z, s7, 112);
}

/** 8 outputs of one pixel, at all widths. */
function narrow(x: usize, list: usize, taps: i32, flags: i32, kernel: usize, z: usize, out: usize, j: i32, n: i32, step: i32): void {
  const widths = word(19), all = KH() * KW(), relu = word(27) != 0, columns = pointer(17), pitch = (n + 7) & ~7;
  let s0 = v128.load(z), s1 = v128.load(z, 16);
  for (let b = 0; b < widths; b++) {
    if (((flags >>> b) & 1) == 0) continue;
    const last = load<i32>(at(pointer(18), b + 1));
    for (let q = load<i32>(at(pointer(18), b)); q < last; q++) {
      const p = at(x, load<i32>(at(columns, q)));
      const w = kernel + (<usize>(q * all) << 5);
      for (let i = 0; i < taps; i++) {
        const entry = load<u64>(list + ((<usize>i) << 3));
        const v = v128.load32_splat(p + <usize>(<u32>entry));
        const t = w + (<usize>(entry >> 32) << 5);
        s0 = madd(v, v128.load(t), s0);
        s1 = madd(v, v128.load(t, 16), s1);
      }
    }
    const bias = at(pointer(25), b * pitch + j);
    out = putEight(out, s0, s1, bias, relu, n - j, step, z);
  }
  v128.store(z, s0);
  v128.store(z, s1, 16);
}

/**
 * Operation: which columns of x are not all zero, by row: bit b of a row's words says so of the columns from ends[b] to ends[b + 1].
 * 16 x, rows of pixels of channels  17 columns  18 ends  19 ranges  20 words [rows, ranges / 32]  21 rows  22 pixels  23 channels  24 rows a task
 */
export function nonzeroTask(task: i32): void {
  const end = min(word(21), (task + 1) * word(24)), ranges = word(19), pixels = word(22), channels = word(23);
  const each = (ranges + 31) >> 5;
  for (let row = task * word(24); row < end; row++) {
    const x = at(pointer(16), row * pixels * channels), to = at(pointer(20), row * each);
    for (let i = 0; i < each; i++) store<i32>(at(to, i), 0);
    for (let b = 0; b < ranges; b++) {
      const last = load<i32>(at(pointer(18), b + 1));
      for (let q = load<i32>(at(pointer(18), b)); q < last; q++) {
        if (!isNonzero(at(x, load<i32>(at(pointer(17), q))), pixels, channels)) continue;
        const place = at(to, b >> 5);
        store<i32>(place, load<i32>(place) | (1 << (b & 31)));
        break;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function isNonzero(x: usize, pixels: i32, channels: i32): bool {
  for (let pixel = 0; pixel < pixels; pixel++) if (load<f32>(at(x, pixel * channels)) != 0) return true;
  return false;
}
