import { holdingCell, kText } from './compareWords.js';
import type { ComparedCurve, ComparedGroupView } from './compareView.js';
import { integer } from './format.js';
import type { Phrase } from './phrase.js';
import { riseCell } from './scale.js';
import type { ReportView } from './view.js';

/** A group's smallest model over all orderings, as text; the same for every output. */
export interface WinnerRow {
  readonly group: ComparedGroupView;
  /** The curve that is told: the winner, else the first of the legend at full width. */
  readonly curve: ComparedCurve;
  readonly wins: boolean;
  /** Full width or full rank. */
  readonly n: string;
  /** `rank 55`; empty where nothing is shown to save. */
  readonly what: string;
  /** Share of the width or rank that is kept, 0 to 1. */
  readonly kept: number;
  readonly ordering: Phrase;
  readonly saves: string;
  readonly costs: string;
  readonly bound: string;
}

export function winnerRow(view: ReportView, group: ComparedGroupView): WinnerRow | undefined {
  const curve = group.winner ?? group.drawn[0];
  const point = group.winner?.view.needs ?? curve?.view.points.at(-1);
  if (curve === undefined || point === undefined) return undefined;
  const wins = group.winner !== undefined;
  return {
    group,
    curve,
    wins,
    n: integer(curve.view.curve.n),
    what: wins ? kText(curve, point.k) : '',
    kept: point.k / Math.max(1, curve.view.curve.n),
    ordering: wins ? curve.ordering.label : ['–'],
    saves: wins ? holdingCell(view, curve).saves : '–',
    costs: riseCell(view.scale, point.rise),
    bound: riseCell(view.scale, point.high, 'up'),
  };
}
