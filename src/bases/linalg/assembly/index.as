// The loops of the eigenvalue route in float64 SIMD. Every sum is taken in the order of the TypeScript loops beside this folder, and nothing is
// fused, so that both give the same bits. Pointers are byte offsets; matrices lie in rows.

const F64: usize = 8;
const DEPTH: i32 = 256;
const PANEL: i32 = 64;

/**
 * c += a bᵀ for a [m, depth] and b [n, depth], m and n multiples of 4; with `lower` only tiles that touch the lower half.
 * `work` holds PANEL x DEPTH numbers: rows of b, four side by side.
 */
export function timesTransposed(
  a: usize,
  b: usize,
  c: usize,
  work: usize,
  m: i32,
  n: i32,
  depth: i32,
  lower: bool,
): void {
  for (let k0 = 0; k0 < depth; k0 += DEPTH) {
    const k1 = min(depth, k0 + DEPTH);
    for (let j0 = 0; j0 < n; j0 += PANEL) {
      const j1 = min(n, j0 + PANEL);
      for (let j = j0; j < j1; j += 4) pack(b, work + <usize>((j - j0) * DEPTH) * F64, j, depth, k0, k1);
      for (let i = lower ? j0 : 0; i < m; i += 4) {
        const end = lower ? min(j1, i + 4) : j1;
        for (let j = j0; j < end; j += 4) {
          tile(a, work + <usize>((j - j0) * DEPTH) * F64, c + <usize>(i * n + j) * F64, i, n, depth, k0, k1);
        }
      }
    }
  }
}

function pack(b: usize, to: usize, j: i32, depth: i32, k0: i32, k1: i32): void {
  const row = <usize>depth * F64;
  let from = b + <usize>(j * depth + k0) * F64;
  for (let k = k0; k < k1; k++) {
    store<f64>(to, load<f64>(from));
    store<f64>(to, load<f64>(from + row), 8);
    store<f64>(to, load<f64>(from + 2 * row), 16);
    store<f64>(to, load<f64>(from + 3 * row), 24);
    from += F64;
    to += 4 * F64;
  }
}

function tile(a: usize, packed: usize, c: usize, i: i32, n: i32, depth: i32, k0: i32, k1: i32): void {
  const row = <usize>depth * F64;
  let at = a + <usize>(i * depth + k0) * F64;
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  for (let k = k0; k < k1; k++) {
    const y0 = v128.load(packed);
    const y1 = v128.load(packed, 16);
    let x = v128.load64_splat(at);
    c00 = f64x2.add(c00, f64x2.mul(x, y0));
    c01 = f64x2.add(c01, f64x2.mul(x, y1));
    x = v128.load64_splat(at + row);
    c10 = f64x2.add(c10, f64x2.mul(x, y0));
    c11 = f64x2.add(c11, f64x2.mul(x, y1));
    x = v128.load64_splat(at + 2 * row);
    c20 = f64x2.add(c20, f64x2.mul(x, y0));
    c21 = f64x2.add(c21, f64x2.mul(x, y1));
    x = v128.load64_splat(at + 3 * row);
    c30 = f64x2.add(c30, f64x2.mul(x, y0));
    c31 = f64x2.add(c31, f64x2.mul(x, y1));
    at += F64;
    packed += 4 * F64;
  }
  const next = <usize>n * F64;
  add(c, c00, c01);
  add(c + next, c10, c11);
  add(c + 2 * next, c20, c21);
  add(c + 3 * next, c30, c31);
}

@inline
function add(c: usize, left: v128, right: v128): void {
  v128.store(c, f64x2.add(v128.load(c), left));
  v128.store(c, f64x2.add(v128.load(c, 16), right), 16);
}

/** Rows 0..k-1 of a [n, n], lower half: a - v pᵀ - p vᵀ in place, and q += (that) w, of which the halves above and below the diagonal are one. */
export function walk(a: usize, n: i32, k: i32, v: usize, p: usize, w: usize, q: usize): void {
  let i = 0;
  for (; i + 1 < k; i += 2) pairOfRows(a + <usize>(i * n) * F64, n, i, v, p, w, q);
  if (i < k) lastRow(a + <usize>(i * n) * F64, i, v, p, w, q);
}

function pairOfRows(r0: usize, n: i32, i: i32, v: usize, p: usize, w: usize, q: usize): void {
  const r1 = r0 + <usize>n * F64;
  const at = <usize>i * F64;
  const v0 = load<f64>(v + at);
  const v1 = load<f64>(v + at, 8);
  const p0 = load<f64>(p + at);
  const p1 = load<f64>(p + at, 8);
  const w0 = load<f64>(w + at);
  const w1 = load<f64>(w + at, 8);
  const v0s = f64x2.splat(v0);
  const v1s = f64x2.splat(v1);
  const p0s = f64x2.splat(p0);
  const p1s = f64x2.splat(p1);
  const w0s = f64x2.splat(w0);
  const w1s = f64x2.splat(w1);
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (let j: usize = 0; j < at; j += 16) {
    const vj = v128.load(v + j);
    const pj = v128.load(p + j);
    const wj = v128.load(w + j);
    const x = f64x2.sub(f64x2.sub(v128.load(r0 + j), f64x2.mul(v0s, pj)), f64x2.mul(p0s, vj));
    const y = f64x2.sub(f64x2.sub(v128.load(r1 + j), f64x2.mul(v1s, pj)), f64x2.mul(p1s, vj));
    v128.store(r0 + j, x);
    v128.store(r1 + j, y);
    s0 = f64x2.add(s0, f64x2.mul(x, wj));
    s1 = f64x2.add(s1, f64x2.mul(y, wj));
    v128.store(q + j, f64x2.add(v128.load(q + j), f64x2.add(f64x2.mul(x, w0s), f64x2.mul(y, w1s))));
  }
  const x = load<f64>(r0 + at) - 2 * v0 * p0;
  const y = load<f64>(r1 + at) - v1 * p0 - p1 * v0;
  const z = load<f64>(r1 + at, 8) - 2 * v1 * p1;
  store<f64>(r0 + at, x);
  store<f64>(r1 + at, y);
  store<f64>(r1 + at, z, 8);
  const sum0 = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  const sum1 = f64x2.extract_lane(s1, 0) + f64x2.extract_lane(s1, 1);
  store<f64>(q + at, load<f64>(q + at) + (sum0 + x * w0 + y * w1));
  store<f64>(q + at, load<f64>(q + at, 8) + (sum1 + y * w0 + z * w1), 8);
}

function lastRow(row: usize, i: i32, v: usize, p: usize, w: usize, q: usize): void {
  const at = <usize>i * F64;
  const vi = load<f64>(v + at);
  const pi = load<f64>(p + at);
  const wi = load<f64>(w + at);
  const vis = f64x2.splat(vi);
  const pis = f64x2.splat(pi);
  const wis = f64x2.splat(wi);
  let s = f64x2.splat(0);
  for (let j: usize = 0; j < at; j += 16) {
    const x = f64x2.sub(
      f64x2.sub(v128.load(row + j), f64x2.mul(vis, v128.load(p + j))),
      f64x2.mul(pis, v128.load(v + j)),
    );
    v128.store(row + j, x);
    s = f64x2.add(s, f64x2.mul(x, v128.load(w + j)));
    v128.store(q + j, f64x2.add(v128.load(q + j), f64x2.mul(x, wis)));
  }
  const x = load<f64>(row + at) - 2 * vi * pi;
  store<f64>(row + at, x);
  const sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  store<f64>(q + at, load<f64>(q + at) + (sum + x * wi));
}

/** Applies all reflections of a [n, n] (see backTransform) to four vectors, packed side by side in z [n, 4]. */
export function reflectFour(a: usize, scales: usize, n: i32, z: usize): void {
  for (let k = 1; k < n; k++) {
    const scale = load<f64>(scales + <usize>k * F64);
    if (scale == 0) continue;
    const row = a + <usize>(k * n) * F64;
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let to = z;
    const end = row + <usize>k * F64;
    for (let at = row; at < end; at += F64) {
      const v = v128.load64_splat(at);
      s0 = f64x2.add(s0, f64x2.mul(v, v128.load(to)));
      s1 = f64x2.add(s1, f64x2.mul(v, v128.load(to, 16)));
      to += 4 * F64;
    }
    const by = f64x2.splat(scale);
    s0 = f64x2.mul(s0, by);
    s1 = f64x2.mul(s1, by);
    to = z;
    for (let at = row; at < end; at += F64) {
      const v = v128.load64_splat(at);
      v128.store(to, f64x2.sub(v128.load(to), f64x2.mul(s0, v)));
      v128.store(to, f64x2.sub(v128.load(to, 16), f64x2.mul(s1, v)), 16);
      to += 4 * F64;
    }
  }
}

/** x less its share in the orthonormal rows from <= row < to of z, four rows at a time (see removeRows). */
export function removeRows(z: usize, n: i32, from: i32, to: i32, x: usize): void {
  let row = from;
  for (; row + 4 <= to; row += 4) removeFour(z + <usize>(row * n) * F64, n, x);
  for (; row < to; row++) removeOne(z + <usize>(row * n) * F64, n, x);
}

function removeFour(z0: usize, n: i32, x: usize): void {
  const row = <usize>n * F64;
  const z1 = z0 + row;
  const z2 = z1 + row;
  const z3 = z2 + row;
  const pairs = <usize>(n & ~1) * F64;
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  for (let i: usize = 0; i < pairs; i += 16) {
    const v = v128.load(x + i);
    s0 = f64x2.add(s0, f64x2.mul(v, v128.load(z0 + i)));
    s1 = f64x2.add(s1, f64x2.mul(v, v128.load(z1 + i)));
    s2 = f64x2.add(s2, f64x2.mul(v, v128.load(z2 + i)));
    s3 = f64x2.add(s3, f64x2.mul(v, v128.load(z3 + i)));
  }
  const t0 = f64x2.splat(joined(s0, z0, x, pairs, row));
  const t1 = f64x2.splat(joined(s1, z1, x, pairs, row));
  const t2 = f64x2.splat(joined(s2, z2, x, pairs, row));
  const t3 = f64x2.splat(joined(s3, z3, x, pairs, row));
  for (let i: usize = 0; i < pairs; i += 16) {
    let share = f64x2.add(f64x2.mul(t0, v128.load(z0 + i)), f64x2.mul(t1, v128.load(z1 + i)));
    share = f64x2.add(share, f64x2.mul(t2, v128.load(z2 + i)));
    share = f64x2.add(share, f64x2.mul(t3, v128.load(z3 + i)));
    v128.store(x + i, f64x2.sub(v128.load(x + i), share));
  }
  if (pairs < row) {
    let share = f64x2.extract_lane(t0, 0) * load<f64>(z0 + pairs) + f64x2.extract_lane(t1, 0) * load<f64>(z1 + pairs);
    share = share + f64x2.extract_lane(t2, 0) * load<f64>(z2 + pairs);
    share = share + f64x2.extract_lane(t3, 0) * load<f64>(z3 + pairs);
    store<f64>(x + pairs, load<f64>(x + pairs) - share);
  }
}

/** The sum of even places, a last one without a neighbour included, and that of odd places. */
function joined(sums: v128, z: usize, x: usize, pairs: usize, row: usize): f64 {
  let even = f64x2.extract_lane(sums, 0);
  if (pairs < row) even += load<f64>(x + pairs) * load<f64>(z + pairs);
  return even + f64x2.extract_lane(sums, 1);
}

function removeOne(z: usize, n: i32, x: usize): void {
  const row = <usize>n * F64;
  const pairs = <usize>(n & ~1) * F64;
  let s = f64x2.splat(0);
  for (let i: usize = 0; i < pairs; i += 16) s = f64x2.add(s, f64x2.mul(v128.load(x + i), v128.load(z + i)));
  const dot = joined(s, z, x, pairs, row);
  for (let i: usize = 0; i < row; i += 8) store<f64>(x + i, load<f64>(x + i) - dot * load<f64>(z + i));
}
