/** No-break space: stands before a unit. */
export const NBSP = '\u00a0';
const THIN = '\u202f';
export const MINUS = '\u2212';
/** Rounding must not turn 0.29 * 100 = 28.999999999999996 into 28, nor 0.87000000000001 into 0.88. */
const FUZZ = 1e-9;

/** Half away from zero, down (a saving), or up (a bound): always to the side that promises less. */
export type Rounding = 'nearest' | 'down' | 'up';

/**
 * A number with two significant digits, all digits before the point, and at most two behind it:
 * 649, 77, 5.9, 0.55, 0.04. Rounding is of the signed value, so an upper bound never shrinks.
 */
export function twoDigits(value: number, rounding: Rounding = 'nearest'): string {
  let rounded = roundTo(value, digits(value), rounding);
  // 9.96 rounds to 10.0, which has three digits.
  rounded = roundTo(rounded, digits(rounded), rounding);
  const text = Math.abs(rounded).toFixed(digits(rounded));
  return (rounded < 0 && Number(text) !== 0 ? MINUS : '') + (Number(text) === 0 ? '0' : text);
}

/** Decimals that leave two digits; never more than two. */
function digits(x: number): number {
  return Math.abs(x) >= 10 ? 0 : Math.abs(x) >= 1 ? 1 : 2;
}

function roundTo(value: number, decimals: number, rounding: Rounding): number {
  const scale = 10 ** decimals;
  const x = value * scale;
  const fuzz = FUZZ * Math.max(1, Math.abs(x));
  if (rounding === 'up') return Math.ceil(x - fuzz) / scale;
  if (rounding === 'down') return Math.floor(x + fuzz) / scale;
  return (Math.sign(x) * Math.round(Math.abs(x))) / scale;
}

/** `value` with `digits` significant digits, without an exponent where a person can do without: 0.3093, 12.4, 1.2e-7. */
export function significant(value: number, digits = 4, rounding: Rounding = 'nearest'): string {
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -5 || magnitude > 8) {
    const mantissa = roundTo(value / 10 ** magnitude, digits - 1, rounding);
    return minus(`${Number(mantissa.toPrecision(digits))}e${magnitude}`);
  }
  const decimals = Math.max(0, digits - 1 - magnitude);
  return minus(roundTo(value, decimals, rounding).toFixed(decimals));
}

function minus(text: string): string {
  return text.replace(/-/gu, MINUS);
}

/** A sign before everything but 0. */
export function signed(text: string): string {
  return /^0(?!\.)/u.test(text) || text.startsWith(MINUS) ? text : `+${text}`;
}

/** `72 %` from 72. */
export function percent(value: number, rounding?: Rounding): string {
  return twoDigits(value, rounding) + NBSP + '%';
}

/** A saving as a change: 0.629 of it gone is `−62 %`. Rounds towards saving less. */
export function saving(share: number): string {
  const text = percent(100 * share, 'down');
  return text.startsWith('0') && Number.parseFloat(text) === 0
    ? text
    : signed(text.startsWith(MINUS) ? text.slice(1) : MINUS + text);
}

/** `1 %`, `0.5 %` from 0.01, 0.005. */
export function budgetText(budget: number): string {
  return `${Number((100 * budget).toPrecision(6))}${NBSP}%`;
}

/** Groups of three, thin no-break space between; four digits stay together. */
export function integer(value: number): string {
  const text = String(Math.round(value));
  return text.length > 4 ? text.replace(/\B(?=(\d{3})+$)/gu, THIN) : text;
}

/** `242 K` for axes: exact for the round numbers that ticks are. */
export function compact(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['K', 1e3],
  ] as const) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(6))}${NBSP}${unit}`;
  }
  return String(Number(value.toPrecision(6)));
}

/** A setting as it was given: 0.2, 0.001. */
export function setting(value: number): string {
  return minus(String(Number(value.toPrecision(6))));
}

/** `952 KiB`, with three significant digits. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  let x = value;
  while (x >= 1024 && i < units.length - 1) {
    x /= 1024;
    i++;
  }
  return `${i === 0 || x >= 100 ? Math.round(x) : Number(x.toPrecision(3))}${NBSP}${units[i]}`;
}

/** `148 s`, `11 s`, `4.2 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  if (seconds < 300) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)}${NBSP}s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}${NBSP}min ${Math.round(seconds - 60 * minutes)}${NBSP}s`;
}

/** A share of right answers reads better as a percentage; any other metric keeps its unit. */
export function isShare(better: 'higher' | 'lower', values: readonly number[]): boolean {
  return better === 'higher' && values.every((v) => v >= 0 && v <= 1);
}

/** The same words for a terminal: ASCII minus and plain spaces, so that it greps. */
export function plain(text: string): string {
  return text.replace(/[\u202f\u00a0]/gu, ' ').replace(/\u2212/gu, '-');
}
