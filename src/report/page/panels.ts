import { COLORS } from '../colors.js';
import { escapeXml, shorten } from '../escape.js';
import { integer } from '../format.js';
import { curveColor, isMarked } from '../panelLabels.js';
import { widthRow } from '../rows.js';
import { metricNoun, positionOf, riseText } from '../scale.js';
import { inlineSvg } from '../svg.js';
import type { GroupView } from '../groupView.js';
import type { ReportView } from '../view.js';
import { caption, widthStatus } from '../words.js';
import { bdi, scroll, type Section } from './markup.js';
import { LAST_STEP, OWN_STEP, startOf } from './script.js';
import { widthHtml } from './widths.js';

/** Where is the elbow, and how surely? One scree panel per group, rows for those beyond the panels. */
export const panelsSection: Section = (context) => {
  const { view, panels } = context;
  if (view.groups.length === 0) return '';
  const shown = view.groups.slice(0, panels);
  const figures = shown.map((g) => panel(context, g)).join('');
  return (
    `<section><h2>How much width each layer uses</h2><p>${intro(view, shown)}</p>` +
    `${budgetControl(view)}<div class="panels">${figures}</div>${others(view, view.groups.slice(panels))}</section>`
  );
};

function intro(view: ReportView, shown: readonly GroupView[]): string {
  if (view.plan !== undefined) return planIntro(view, shown);
  const both = shown.some((g) => g.other !== undefined);
  const ring = shown.some((g) => isMarked(g.chief) && g.chief.lowest.k !== g.needs?.k);
  const dot = shown.some((g) => widthStatus(view, g) === 'narrower');
  const parts = [
    'One group narrowed at a time, the others full. The upper edge of the band is the 95 % bound that decides.',
  ];
  if (dot) parts.push('● is the width needed alone.');
  if (ring) parts.push('○ is the lowest loss.');
  if (both) {
    parts.push(
      "The solid curve is the model retrained with TailDropout; the dashed one cuts the original's own weights, which nothing has put in order.",
    );
  } else if (view.retrained === undefined)
    parts.push("The curve cuts the original's own weights, which nothing has put in order.");
  const scale =
    view.scale.kind === 'relative'
      ? 'Scale: linear up to the budget, logarithmic above.'
      : 'Scale: linear around 0, logarithmic further out.';
  return `${escapeXml(parts.join(' '))} <span class="soft">${escapeXml(scale)}</span>`;
}

function planIntro(view: ReportView, shown: readonly GroupView[]): string {
  const parts = ['One group narrowed at a time, the others full.'];
  if (view.scale.metric === undefined) {
    parts.push('The upper edge of the band is the 95 % bound; ● is the plan.');
  } else parts.push(`${view.scale.why ?? ''} ● is the plan.`);
  if (shown.some((g) => g.plan?.rise != null && g.plan.point === undefined && g.plan.group.k < g.plan.group.n)) {
    parts.push('○ lies between measured widths.');
  }
  if (view.plan?.record.planned.tuned === true) parts.push('The curves are of untuned weights, the plan was tuned.');
  else if (view.groups.length > 1) parts.push('The groups share one budget.');
  if (shown.some((g) => g.other !== undefined)) parts.push("The dashed curve cuts the original's own weights.");
  return `${escapeXml(parts.join(' '))} <span class="soft">Scale: linear up to the budget, logarithmic above.</span>`;
}

function panel(
  { view, drawn }: { view: ReportView; drawn: ReadonlyMap<string, Parameters<typeof inlineSvg>[0]> },
  group: GroupView,
): string {
  const chart = drawn.get(`scree-${group.id}`);
  if (chart === undefined) return '';
  return (
    `<figure><div class="panel-head"><h3>${bdi(group.name)}</h3><span class="nb">${panelStatus(view, group)}</span></div>${inlineSvg(chart)}` +
    `<div>${readout(view, group)}<figcaption>${escapeXml(caption(view, group))}${shared(group)}</figcaption></div></figure>`
  );
}

/** Server-rendered; a script only replaces what it says. */
function readout(view: ReportView, group: GroupView): string {
  const point = group.chief.points[startOf(group)];
  if (point === undefined) return '';
  const what = group.chief.curve.kind === 'rank' ? 'rank' : 'width';
  if (view.scale.metric !== undefined) {
    const told = `${what} ${integer(point.k)}: ${metricNoun(view.scale.metric)} ${riseText(view.scale, point.rise)}; ${integer(point.source.parameters)} parameters`;
    return `<p>${escapeXml(told)}</p>`;
  }
  const text = `${what} ${integer(point.k)}: loss ${riseText(view.scale, point.rise)}, at most ${riseText(view.scale, point.high, 'up')}; ${integer(point.source.parameters)} parameters`;
  return `<input type="range" data-js hidden min="0" step="1" aria-label="${what} of ${escapeXml(shorten(group.name, 40))}"><output>${escapeXml(text)}</output>`;
}

/** Looks up the measured single groups; a joint loss is never predicted. */
function budgetControl(view: ReportView): string {
  if (view.scale.budget === null) return '';
  return (
    `<div class="control" data-js hidden><label for="budget">Another budget</label>` +
    `<input type="range" id="budget" min="0" max="${LAST_STEP}" step="1" value="${OWN_STEP}"><output id="budget-out" for="budget"></output>` +
    `<span class="soft">Each alone, looked up among the measured widths${view.groups.length > 1 ? '; together is another matter' : ''}.</span></div>`
  );
}

/** `40 of 64`, in HTML. */
function panelStatus(view: ReportView, group: GroupView): string {
  const n = integer(group.best.curve.n);
  const { plan } = group;
  if (plan !== undefined) {
    const what = plan.group.kind === 'rank' ? 'rank' : 'width';
    const full = integer(plan.group.n);
    return plan.group.k >= plan.group.n ? `all <b>${full}</b>` : `<b>${what} ${integer(plan.group.k)}</b> of ${full}`;
  }
  if (view.plan !== undefined) return `${n}, not in the plan`;
  const status = widthStatus(view, group);
  if (status === 'narrower' && group.needs !== null) return `<b>${integer(group.needs.k)}</b> of ${n}`;
  if (status === 'none') return `${n} units`;
  return {
    full: `all <b>${n}</b>`,
    unresolved: `<b class="unresolved">?</b> of ${n}`,
    broken: `<b class="broken">✖</b> ${n}`,
  }[status === 'narrower' ? 'full' : status];
}

/** A group of more than a layer and its reader says which layers shrink together. */
function shared(group: GroupView): string {
  if (group.layers.length < 3) return '';
  const names = group.layers.slice(0, 6).map(bdi).join(', ');
  const more = group.layers.length > 6 ? `, … and ${group.layers.length - 6} more` : '';
  return ` Shrinks ${names}${more}.`;
}

function others(view: ReportView, groups: readonly GroupView[]): string {
  if (groups.length === 0) return '';
  if (view.plan !== undefined) return otherPlanned(view, groups);
  const rows = groups.map((g) => {
    const row = widthRow(view, g);
    return (
      `<tr><th class="l long" scope="row">${bdi(g.name)}<td class="nb">${widthHtml(row)}` +
      `<td class="bar">${sparkline(view, g)}<td class="nb">${row.saves}<td class="nb">${row.costs}`
    );
  });
  const head =
    '<thead><tr><th class="l" scope="col">group<th scope="col">width<th class="l bar" scope="col">loss, 0 to n kept<th scope="col">saves<th scope="col">costs</thead>';
  return scroll(
    `<table cellpadding="4"><caption>The ${groups.length} groups with less to save</caption>${head}<tbody>${rows.join('')}</tbody></table>`,
  );
}

/** Their widths stand in the plan's table: here is the curve of each. */
function otherPlanned(view: ReportView, groups: readonly GroupView[]): string {
  const rows = groups.map(
    (g) =>
      `<tr><th class="l long" scope="row">${bdi(g.name)}<td class="nb">${panelStatus(view, g)}<td class="bar">${sparkline(view, g)}<td class="l soft">${escapeXml(caption(view, g))}`,
  );
  const head =
    '<thead><tr><th class="l" scope="col">group<th scope="col">plan<th class="l bar" scope="col">loss, 0 to n kept<th class="l" scope="col">alone</thead>';
  return scroll(
    `<table cellpadding="4"><caption>The ${groups.length} groups that save less</caption>${head}<tbody>${rows.join('')}</tbody></table>`,
  );
}

/** The leading curve in 100 x 20, with the budget: at most 25 of its points. */
export function sparkline(view: ReportView, group: GroupView): string {
  const { points } = group.chief;
  const every = Math.max(1, Math.ceil(points.length / 24));
  const kept = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  const y = (rise: number): string => (19 - 18 * positionOf(view.axis, rise)).toFixed(1);
  const d = kept
    .map((p, i) => `${i === 0 ? 'M' : 'L'}${((100 * p.k) / Math.max(1, group.n)).toFixed(0)} ${y(p.rise)}`)
    .join('');
  const budget = view.line;
  const line =
    budget === null ? '' : `<path d="M0 ${y(budget)}H100" stroke="${COLORS.ink.light}" stroke-dasharray="3 2"/>`;
  const end = points.at(-1);
  const label =
    end === undefined ? '' : `from ${riseText(view.scale, points[0]?.rise ?? 0)} to ${riseText(view.scale, end.rise)}`;
  return (
    `<svg viewBox="0 0 100 20" width="100" height="20" role="img" aria-label="${label}" fill="none">` +
    `<rect width="100" height="20" fill="${COLORS.paper.light}"/>${line}<path d="${d}" stroke="${curveColor(group.chief)}" stroke-width="1.5"/></svg>`
  );
}
