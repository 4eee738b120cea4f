import type { PlanVerdict, ReportVerdict, Rise } from '../records/types.js';
import type { JointPoint } from './types.js';

/** Holds: upper95 <= allowed; not resolved: delta <= allowed < upper95; broken: delta > allowed, or no number. */
export function judgePoint({ delta, upper95 }: Pick<Rise, 'delta' | 'upper95'>, allowed: number): PlanVerdict {
  if (upper95 <= allowed) return 'holds';
  return delta <= allowed ? 'not resolved' : 'broken';
}

/** What is asked of a plan before it is taken: the steering half must show it too, so that it is not picked by the luck of one half. */
export function holdsOnBoth({ steer, bound }: JointPoint, allowed: number): boolean {
  return steer.upper95 <= allowed && bound.upper95 <= allowed;
}

/** What rows that no choice has seen say: confirms: upper95 <= allowed; contradicts: low95 > allowed. */
export function judgeReport(
  { low95, upper95 }: { readonly low95: number; readonly upper95: number },
  allowed: number,
): ReportVerdict {
  if (upper95 <= allowed) return 'confirms';
  return low95 > allowed ? 'contradicts' : 'does not contradict';
}

/**
 * Rows that would bring the bound down to the budget if the rise stayed: N (z se / (a - d))^2, for bounds shrink like 1 / sqrt(N).
 *
 * @returns rounded up, to 2 significant digits, above 10,000 to a thousand; undefined where no number of rows would do, or none is needed.
 */
export function examplesNeeded({ delta, upper95 }: Rise, allowed: number, rows: number): number | undefined {
  if (judgePoint({ delta, upper95 }, allowed) !== 'not resolved' || !(delta < allowed) || !(rows > 0)) return undefined;
  const needed = rows * ((upper95 - delta) / (allowed - delta)) ** 2;
  if (!Number.isFinite(needed)) return undefined;
  const step = needed > 10_000 ? 1000 : 10 ** Math.max(0, Math.floor(Math.log10(needed)) - 1);
  return Math.ceil(needed / step) * step;
}
