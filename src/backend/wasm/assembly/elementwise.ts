import { at, number, pointer, word } from './control';

/** Operation: dx = y > 0 ? dy : 0. 16 y  17 dy  18 dx  19 elements  20 elements a task */
export function reluGradientTask(task: i32): void {
  const end = min(word(19), (task + 1) * word(20)),
    zero = f32x4.splat(0);
  let i = task * word(20);
  for (; i + 4 <= end; i += 4)
    v128.store(
      at(pointer(18), i),
      v128.and(v128.load(at(pointer(17), i)), f32x4.gt(v128.load(at(pointer(16), i)), zero)),
    );
  for (; i < end; i++)
    store<f32>(at(pointer(18), i), load<f32>(at(pointer(16), i)) > 0 ? load<f32>(at(pointer(17), i)) : 0);
}

/**
 * Operation: one step of Adam (Kingma and Ba 2015), out = w - rate * m / (sqrt(v * correction) + epsilon); m and v change in place.
 * 16 w  17 gradient  18 m  19 v  20 out  21 elements  22 elements a task
 * 23 beta1  24 1 - beta1  25 beta2  26 1 - beta2  27 rate / (1 - beta1^t)  28 1 / (1 - beta2^t)  29 epsilon
 */
export function adamTask(task: i32): void {
  const end = min(word(21), (task + 1) * word(22));
  const b1 = number(23),
    n1 = number(24),
    b2 = number(25),
    n2 = number(26),
    rate = number(27),
    correction = number(28),
    epsilon = number(29);
  const vb1 = f32x4.splat(b1),
    vn1 = f32x4.splat(n1),
    vb2 = f32x4.splat(b2),
    vn2 = f32x4.splat(n2);
  const vRate = f32x4.splat(rate),
    vCorrection = f32x4.splat(correction),
    vEpsilon = f32x4.splat(epsilon);
  const w = pointer(16),
    gradient = pointer(17),
    first = pointer(18),
    second = pointer(19),
    out = pointer(20);
  let i = task * word(22);
  for (; i + 4 <= end; i += 4) {
    const g = v128.load(at(gradient, i));
    const m = f32x4.add(f32x4.mul(vb1, v128.load(at(first, i))), f32x4.mul(vn1, g));
    const v = f32x4.add(f32x4.mul(vb2, v128.load(at(second, i))), f32x4.mul(vn2, f32x4.mul(g, g)));
    v128.store(at(first, i), m);
    v128.store(at(second, i), v);
    const step = f32x4.div(f32x4.mul(vRate, m), f32x4.add(f32x4.sqrt(f32x4.mul(v, vCorrection)), vEpsilon));
    v128.store(at(out, i), f32x4.sub(v128.load(at(w, i)), step));
  }
  for (; i < end; i++) {
    const g = load<f32>(at(gradient, i));
    const m = b1 * load<f32>(at(first, i)) + n1 * g;
    const v = b2 * load<f32>(at(second, i)) + n2 * (g * g);
    store<f32>(at(first, i), m);
    store<f32>(at(second, i), v);
    store<f32>(at(out, i), load<f32>(at(w, i)) - (rate * m) / (sqrt<f32>(v * correction) + epsilon));
  }
}

/** Operation: one step of gradient descent with momentum: m = momentum * m + g; out = w - rate * m. 16 w  17 gradient  18 m (0: none)  20 out  21 elements  22 elements a task  23 rate  24 momentum */
export function sgdTask(task: i32): void {
  const end = min(word(21), (task + 1) * word(22)),
    rate = number(23),
    momentum = number(24);
  const w = pointer(16),
    gradient = pointer(17),
    velocity = pointer(18),
    out = pointer(20);
  for (let i = task * word(22); i < end; i++) {
    let g = load<f32>(at(gradient, i));
    if (velocity) {
      g += momentum * load<f32>(at(velocity, i));
      store<f32>(at(velocity, i), g);
    }
    store<f32>(at(out, i), load<f32>(at(w, i)) - rate * g);
  }
}

/**
 * Operation: keeps the first units of each row of x [rows, size, inner], and writes zeros behind them.
 * 16 x  17 y  18 units kept, one per `repeat` rows (0: one for all)  19 repeat  20 size  21 inner
 * 22 units of the positions, whose -1 always stays (0: position j is unit j)  23 rows  24 rows a task
 */
export function keepPrefixesTask(task: i32): void {
  const repeat = word(19), size = word(20), inner = word(21), units = pointer(22);
  const end = min(word(23), (task + 1) * word(24));
  const length = size * inner;
  for (let row = task * word(24); row < end; row++) {
    const k = load<i32>(at(pointer(18), repeat ? row / repeat : 0));
    const x = at(pointer(16), row * length), y = at(pointer(17), row * length);
    if (!units) {
      const kept = min(size, max(0, k)) * inner;
      copyRun(y, x, kept);
      zeroRun(at(y, kept), length - kept);
    } else if (inner == 1) keepUnits(y, x, units, k, size);
    else {
      for (let j = 0; j < size; j++) {
        if (load<i32>(at(units, j)) < k) copyRun(at(y, j * inner), at(x, j * inner), inner);
        else zeroRun(at(y, j * inner), inner);
      }
    }
  }
}

function copyRun(to: usize, from: usize, count: i32): void {
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    v128.store(at(to, i), v128.load(at(from, i)));
    v128.store(at(to, i), v128.load(at(from, i), 16), 16);
  }
  for (; i < count; i++) store<f32>(at(to, i), load<f32>(at(from, i)));
}

function zeroRun(to: usize, count: i32): void {
  const zero = f32x4.splat(0);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    v128.store(at(to, i), zero);
    v128.store(at(to, i), zero, 16);
  }
  for (; i < count; i++) store<f32>(at(to, i), 0);
}

function keepUnits(y: usize, x: usize, units: usize, k: i32, size: i32): void {
  const limit = i32x4.splat(k);
  let j = 0;
  for (; j + 4 <= size; j += 4)
    v128.store(at(y, j), v128.and(v128.load(at(x, j)), i32x4.lt_s(v128.load(at(units, j)), limit)));
  for (; j < size; j++) store<f32>(at(y, j), load<i32>(at(units, j)) < k ? load<f32>(at(x, j)) : 0);
}
