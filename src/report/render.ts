import { compareChart } from './compareChart.js';
import { axesOf } from './compareAxes.js';
import { leadingOrdering } from './compareLead.js';
import { intervalChart, type IntervalRow } from './intervalChart.js';
import { shorten } from './escape.js';
import { shownKernels } from './page/spectra.js';
import type { RisePoint } from './curves.js';
import { planCharts } from './planCharts.js';
import { renderPage } from './page/page.js';
import { screeChart } from './screeChart.js';
import { spectrumChart } from './spectrumChart.js';
import { groupSheet, screeSheet } from './sheet.js';
import { renderSummary } from './summary.js';
import { drawCharts, type Chart } from './svg.js';
import { roomFor } from './textWidth.js';
import type { ReportInput } from './source.js';
import { viewReport, type ReportView } from './view.js';
import { isComparison, leading } from './words.js';

export interface RenderedReport {
  /** One file, whole offline and without scripts. */
  readonly html: string;
  /** Markdown for a comment or a job summary. */
  readonly summary: string;
  /** All scree panels on one sheet. */
  readonly scree: string;
  /** One SVG per group, by file name (safe in every file system, unique). */
  readonly groups: ReadonlyMap<string, string>;
}

/** Panels on the page and the sheet: those of the groups that save most. */
const PANELS = 24;
/** The same on a page that has many groups to compare as well. */
const PANELS_BESIDE = 12;

/**
 * Renders records into a report. Pure: touches no disk, and the same records give the same bytes everywhere.
 * @param input records; budget is relative (default {@link REPORT_DEFAULTS}.budget).
 */
export async function renderReport(input: ReportInput): Promise<RenderedReport> {
  const view = viewReport(input);
  const drawn = await drawCharts([
    ...view.groups.map((g) => screeChart(view, g)),
    ...intervals(view),
    ...comparison(view),
  ]);
  return {
    html: renderPage({ view, drawn, panels: panelsOf(view) }),
    summary: renderSummary(view),
    scree: screeSheet(view, drawn, PANELS),
    groups: new Map(view.groups.map((g) => [`scree-${g.id}.svg`, groupSheet(view, g, drawn)])),
  };
}

/** Comparisons take their share of the page. */
function panelsOf({ compare }: ReportView): number {
  return compare !== undefined && compare.panels < compare.groups.length ? PANELS_BESIDE : PANELS;
}

/** Every group with a panel on every axis, and the spectra of the kernels. */
function comparison(view: ReportView): Chart[] {
  const { compare } = view;
  if (compare === undefined) return [];
  const panels = compare.groups.slice(0, compare.panels);
  const axes = axesOf(compare);
  return [
    ...panels.flatMap((g) => axes.map((axis) => compareChart(view, g, axis))),
    ...shownKernels(compare).shown.flatMap(({ id, kernel }) => spectrumChart(id, kernel) ?? []),
  ];
}

/** The gauge beside the headline, and what retraining and its control did. */
function intervals(view: ReportView): Chart[] {
  if (view.plan !== undefined) return planCharts(view, view.plan);
  const full: IntervalRow[] = [
    ...(view.retrained === undefined ? [] : [{ label: 'retrained', ...view.retrained }]),
    ...(view.control === undefined ? [] : [{ label: 'control', ...view.control }]),
  ];
  const compared = isComparison(view) && view.compare !== undefined ? leadingOrdering(view.compare) : undefined;
  const group = compared?.group ?? leading(view);
  const point = compared?.curve.view.needs ?? alone(view);
  const gauge: IntervalRow[] = [
    ...(group === undefined || point == null ? [] : [{ ...point, label: rowLabel(group.name, point.k) }]),
    ...(view.retrained === undefined ? [] : [{ label: 'retrained, full', ...view.retrained }]),
  ];
  return [
    intervalChart('gauge', view.scale, gauge, 'Loss against the original'),
    intervalChart('retraining', view.scale, full, 'Loss at full width against the original'),
  ].filter((c) => c !== null);
}

function alone(view: ReportView): RisePoint | null | undefined {
  const group = leading(view);
  return view.scale.budget === null ? group?.chief.lowest : group?.needs;
}

function rowLabel(name: string, k: number): string {
  for (let max = 24; max > 4; max--) {
    const label = `${shorten(name, max)} at ${k}`;
    if (roomFor(label, 12) <= 114) return label;
  }
  return `at ${k}`;
}
