import type { GroupCurves, SkippedLayer } from '../records/types.js';
import type { Chosen } from './curves.js';
import type { Session } from './session.js';

/** What a record says of bases that could not be had. */
export interface Missing {
  /** What stays unmeasured altogether, with every reason; the record's other skipped layers come first. */
  readonly skipped: readonly SkippedLayer[];
  /** One sentence for every basis that a measured group lacks. */
  readonly notes: readonly string[];
}

/**
 * Tells groups that were left without any curve from those that only lack some.
 *
 * @param groups those that were measured
 * @param bases those asked for
 */
export function missingOf(
  { selection }: Pick<Session, 'selection'>,
  groups: readonly GroupCurves[],
  missing: Chosen['missing'],
  bases: readonly string[],
): Missing {
  const measured = new Set(groups.map(({ name }) => name));
  const names = new Set([...selection.groups.map(({ name }) => name), ...missing.keys()]);
  const reasonsOf = (name: string): string[] =>
    (missing.get(name) ?? []).map(({ basis, reason }) => `${basis}: ${withoutStop(reason)}`);
  const unmeasured = [...names].filter((name) => !measured.has(name));
  return {
    skipped: [
      ...selection.skipped,
      ...unmeasured.map((layer) => ({ layer, reason: reasonOf(reasonsOf(layer), bases) })),
    ],
    notes: [...names]
      .filter((name) => measured.has(name))
      .flatMap((name) => reasonsOf(name).map((why) => `${name} has no ${why}`)),
  };
}

function reasonOf(reasons: readonly string[], bases: readonly string[]): string {
  if (reasons.length > 0) return `it could not be measured (${reasons.join('; ')})`;
  return `none of the bases asked for (${bases.join(', ')}) fits it`;
}

/** Reasons stand within a sentence here. */
function withoutStop(reason: string): string {
  return reason.replace(/\.$/u, '');
}
