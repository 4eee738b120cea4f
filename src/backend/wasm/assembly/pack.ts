import { at, pointer, word } from './control';

// @ts-ignore: decorator
@inline
function offset(table: usize, i: i32): i32 {
  return load<i32>(table + ((<usize>i) << 2));
}

/** Transposes a 4x4 block: reads four rows, writes four columns `step` bytes apart. */
// @ts-ignore: decorator
@inline
function transpose4(to: usize, step: usize, a: usize, b: usize, c: usize, d: usize): void {
  const x = v128.load(a), y = v128.load(b), z = v128.load(c), w = v128.load(d);
  const p = v128.shuffle<i32>(x, y, 0, 4, 1, 5), q = v128.shuffle<i32>(x, y, 2, 6, 3, 7);
  const r = v128.shuffle<i32>(z, w, 0, 4, 1, 5), s = v128.shuffle<i32>(z, w, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(p, r, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(p, r, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(q, s, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(q, s, 1, 3));
}

/**
 * Packs m x k elements a[rows[i] + columns[q]] into panels of four rows: panel, then column, then row; missing rows are 0.
 * One code for a matrix, its transpose and im2col.
 */
export function packA(to: usize, a: usize, rows: usize, columns: usize, m: i32, k: i32): void {
  for (let i = 0; i < m; i += 4) {
    const left = m - i;
    const first = offset(rows, i);
    if (left >= 4 && offset(rows, i + 1) == first + 1 && offset(rows, i + 3) == first + 3 && offset(rows, i + 2) == first + 2) {
      const p = at(a, first);
      for (let q = 0; q < k; q++, to += 16) v128.store(to, v128.load(at(p, offset(columns, q))));
    } else if (left >= 4) {
      to = packFourRows(to, at(a, first), at(a, offset(rows, i + 1)), at(a, offset(rows, i + 2)), at(a, offset(rows, i + 3)), columns, k);
    } else {
      for (let q = 0; q < k; q++, to += 16) {
        const c = offset(columns, q);
        for (let j = 0; j < 4; j++) store<f32>(at(to, j), j < left ? load<f32>(at(a, offset(rows, i + j) + c)) : 0);
      }
    }
  }
}

function packFourRows(to: usize, p0: usize, p1: usize, p2: usize, p3: usize, columns: usize, k: i32): usize {
  let q = 0;
  while (q < k) {
    const c = offset(columns, q);
    if (q + 4 <= k && offset(columns, q + 3) == c + 3 && offset(columns, q + 1) == c + 1 && offset(columns, q + 2) == c + 2) {
      transpose4(to, 16, at(p0, c), at(p1, c), at(p2, c), at(p3, c));
      q += 4;
      to += 64;
    } else {
      store<f32>(to, load<f32>(at(p0, c)));
      store<f32>(to + 4, load<f32>(at(p1, c)));
      store<f32>(to + 8, load<f32>(at(p2, c)));
      store<f32>(to + 12, load<f32>(at(p3, c)));
      q++;
      to += 16;
    }
  }
  return to;
}

/** Packs k x n elements b[q * rowStride + j * columnStride] into panels of eight columns: panel, then row, then column; missing columns are 0. */
export function packB(to: usize, b: usize, rowStride: i32, columnStride: i32, k: i32, n: i32): void {
  const row = <usize>rowStride << 2, column = <usize>columnStride << 2, panel = (<usize>k) << 5;
  const whole = n & ~7;
  if (columnStride == 1) {
    // along the rows, as they lie in memory
    for (let q = 0; q < k; q++) {
      let p = b + <usize>q * row, t = to + ((<usize>q) << 5);
      for (let j = 0; j < whole; j += 8, p += 32, t += panel) {
        v128.store(t, v128.load(p));
        v128.store(t, v128.load(p, 16), 16);
      }
    }
  } else {
    for (let j = 0; j < whole; j += 8) packEight(to + <usize>(j >> 3) * panel, b + <usize>j * column, row, column, k);
  }
  if (whole < n) {
    let t = to + <usize>(whole >> 3) * panel, p = b + <usize>whole * column;
    for (let q = 0; q < k; q++, t += 32, p += row) {
      for (let c = 0; c < 8; c++) store<f32>(at(t, c), whole + c < n ? load<f32>(p + <usize>c * column) : 0);
    }
  }
}

/** One panel of eight columns that lie apart. */
function packEight(to: usize, p: usize, row: usize, column: usize, k: i32): void {
  let q = 0;
  if (row == 4) {
    for (; q + 4 <= k; q += 4, to += 128, p += 16) {
      transpose4(to, 32, p, p + column, p + 2 * column, p + 3 * column);
      transpose4(to + 16, 32, p + 4 * column, p + 5 * column, p + 6 * column, p + 7 * column);
    }
  }
  for (; q < k; q++, to += 32, p += row) {
    for (let c = 0; c < 8; c++) store<f32>(at(to, c), load<f32>(p + <usize>c * column));
  }
}

/**
 * Operation: packs the whole of B, several panels a task.
 * 16 B  17 row stride  18 column stride  19 K  20 N  21 target  22 columns a task (of 8s)  23 tasks a matrix  24, 25 strides between matrices
 */
export function packTask(task: i32): void {
  const perMatrix = word(23), k = word(19), step = word(22);
  const matrix = task / perMatrix, j = (task % perMatrix) * step;
  const b = at(pointer(16), matrix * word(24) + j * word(18));
  packB(at(pointer(21), matrix * word(25) + j * k), b, word(17), word(18), k, min(step, word(20) - j));
}

/** Operation: copies one image into a larger one whose border is 0. 16 from  17 to  18 height  19 width  20 channels  21 top  22 left  23 new height  24 new width */
export function padTask(image: i32): void {
  const height = word(18), width = word(19), channels = word(20), newWidth = word(24), size = word(23) * newWidth * channels;
  let from = at(pointer(16), image * height * width * channels);
  const whole = at(pointer(17), image * size);
  memory.fill(whole, 0, <usize>size << 2);
  let to = at(whole, (word(21) * newWidth + word(22)) * channels);
  const row = <usize>(width * channels) << 2, newRow = <usize>(newWidth * channels) << 2;
  for (let y = 0; y < height; y++, from += row, to += newRow) memory.copy(to, from, row);
}
