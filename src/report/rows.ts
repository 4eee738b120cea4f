import { bytes, integer, isShare, NBSP, saving, significant } from './format.js';
import { riseCell } from './scale.js';
import type { GroupView } from './groupView.js';
import type { ReportView } from './view.js';
import { widthStatus, type WidthStatus } from './words.js';

/** A group in a table: numbers as text, the same for every output. */
export interface WidthRow {
  readonly group: GroupView;
  readonly status: WidthStatus;
  /** What the bar shows: the width alone, the lowest loss without a budget, else full width. */
  readonly k: number;
  /** Full width. */
  readonly n: string;
  /** `−57 %`; a dash where no width is known to hold. */
  readonly saves: string;
  readonly costs: string;
  readonly bound: string;
}

export function widthRow(view: ReportView, group: GroupView): WidthRow {
  const status = widthStatus(view, group);
  const end = group.chief.points.at(-1);
  const point =
    (status === 'narrower' ? group.needs : status === 'none' ? group.chief.lowest : end) ?? group.chief.lowest;
  const total = view.sweep.model.parameters;
  const known = status !== 'unresolved' && status !== 'broken' && total > 0;
  return {
    group,
    status,
    k: point.k,
    n: integer(group.best.curve.n),
    saves: known ? saving(Math.max(0, 1 - point.source.parameters / total)) : '–',
    costs: riseCell(view.scale, point.rise),
    bound: riseCell(view.scale, point.high, 'up'),
  };
}

/** The model at full width: one column per set of weights. */
export interface ModelTable {
  readonly columns: readonly string[];
  /** `ours`: the label is ours; else a name of the record. Cells may be fewer than columns. */
  readonly rows: readonly { readonly label: string; readonly ours: boolean; readonly cells: readonly string[] }[];
}

export function modelTable(view: ReportView): ModelTable {
  const { sweep, retrained, control } = view;
  const full = [retrained, control].filter((f) => f !== undefined);
  const measured = [sweep.original, ...full.map((f) => f.measured)];
  return {
    columns: [
      'original',
      ...(retrained === undefined ? [] : ['retrained']),
      ...(control === undefined ? [] : ['control']),
    ],
    rows: [
      row('parameters', [integer(sweep.model.parameters)]),
      row('multiply-adds', [integer(sweep.model.macs)]),
      row('file', [bytes(sweep.model.bytes)]),
      row(
        `loss, ${view.scale.unit}`,
        measured.map((m) => significant(m.loss)),
      ),
      ...(full.length > 0
        ? [
            row('loss change', ['', ...full.map((f) => riseCell(view.scale, f.rise))]),
            row('at most, 95 %', ['', ...full.map((f) => riseCell(view.scale, f.high, 'up'))]),
          ]
        : []),
      ...metricRows(
        view,
        measured.map((m) => m.metrics),
      ),
    ],
  };
}

function row(label: string, cells: readonly string[]): ModelTable['rows'][number] {
  return { label, ours: true, cells };
}

/** Shares of right answers as percentages. */
function metricRows(view: ReportView, columns: readonly Readonly<Record<string, number>>[]): ModelTable['rows'] {
  return view.sweep.metrics.flatMap(({ name, better }) => {
    const values = columns.map((c) => c[name]);
    const known = values.filter((v) => v !== undefined);
    if (known.length === 0) return [];
    const share = isShare(better, known);
    const text = (v: number): string => (share ? `${(100 * v).toFixed(2)}${NBSP}%` : significant(v));
    return [{ label: name, ours: false, cells: values.map((v) => (v === undefined ? '' : text(v))) }];
  });
}
