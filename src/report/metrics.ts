import { isShare, NBSP, significant } from './format.js';
import type { ReportView } from './view.js';

/** A row per metric: values, shares of right answers as percentages. */
export function metricRows(
  view: ReportView,
  columns: readonly Readonly<Record<string, number>>[],
): { name: string; cells: string[] }[] {
  return view.sweep.metrics.flatMap(({ name, better }) => {
    const values = columns.map((c) => c[name]);
    const known = values.filter((v) => v !== undefined);
    if (known.length === 0) return [];
    const share = isShare(better, known);
    return [
      {
        name,
        cells: values.map((v) => (v === undefined ? '' : share ? `${(100 * v).toFixed(2)}${NBSP}%` : significant(v))),
      },
    ];
  });
}
