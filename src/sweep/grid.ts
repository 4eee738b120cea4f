import { UsageError } from '../errors.js';

export interface GridOptions {
  /** Every k from 0 to n. */
  readonly exact: boolean;
  /** About how many log-spaced k for n above `denseUpTo`. */
  readonly grid: number;
  /** Up to this width every k is measured; default 64. */
  readonly denseUpTo?: number;
}

export const GRID_DEFAULTS = { exact: false, grid: 24, denseUpTo: 64 } as const;

/**
 * The widths to be measured: every k from 0 to n where n <= `denseUpTo` or `exact`, else 0, n and about `grid` log-spaced ones.
 *
 * @param n full width, at least 1.
 * @returns k, ascending, 0 and n among them.
 * @throws UsageError where `grid` is not a whole number of at least 2.
 */
export function gridOf(n: number, options: GridOptions = GRID_DEFAULTS): readonly number[] {
  if (!Number.isInteger(options.grid) || options.grid < 2) {
    throw new UsageError(`The grid must be a whole number of at least 2, got ${options.grid}.`);
  }
  if (options.exact || n <= (options.denseUpTo ?? GRID_DEFAULTS.denseUpTo))
    return Array.from({ length: n + 1 }, (_, k) => k);
  const spaced = Array.from({ length: options.grid }, (_, i) => Math.round(n ** (i / (options.grid - 1))));
  return [...new Set([0, ...spaced, n])].sort((a, b) => a - b);
}
