import { clean, escapeJson } from '../escape.js';
import { PANEL } from '../panelLabels.js';
import { positionOf } from '../scale.js';
import type { GroupView } from '../groupView.js';
import type { ReportView } from '../view.js';

/** Budgets that the slider offers, relative to the report's own. */
const STEPS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20];

/**
 * What the page's script needs: positions that the server computed, so that the browser draws nothing anew. Names go in
 * as JSON and come out as text content only.
 */
export function pageData(view: ReportView, groups: readonly GroupView[]): string {
  const { scale } = view;
  const budgets = scale.budget === null ? [] : STEPS.map((s) => Number((s * (scale.budget ?? 1)).toPrecision(6)));
  return escapeJson({
    unit: scale.kind === 'relative' ? '%' : scale.unit,
    budgets: budgets.map((b) => ({ value: b, y: pixelY(view, b) })),
    panels: groups.map((g) => ({
      id: `scree-${g.id}`,
      name: clean(g.name),
      what: g.chief.curve.kind === 'rank' ? 'rank' : 'width',
      n: g.n,
      at: startOf(g),
      points: g.chief.points.map((p) => [p.k, short(p.rise), short(p.high), p.source.parameters, pixelY(view, p.rise)]),
    })),
    plot: { left: PANEL.left, top: PANEL.top, width: PANEL.plotWidth, height: PANEL.plotHeight },
  });
}

/** Index of the point that a panel's readout starts with: the width needed alone, else full width. */
export function startOf(group: GroupView): number {
  const { points } = group.chief;
  const k = group.plan === undefined ? group.needs?.k : group.plan.point?.k;
  const found = group.best === group.chief ? points.findIndex((p) => p.k === k) : -1;
  return found < 0 ? points.length - 1 : found;
}

function pixelY(view: ReportView, y: number): number {
  return Number((PANEL.top + PANEL.plotHeight * (1 - positionOf(view.axis, y))).toFixed(1));
}

function short(x: number): number {
  return Number(x.toPrecision(5));
}

/**
 * Reveals and serves the controls that need a script: a slider and a pointer readout per panel, a slider of budgets.
 * Everything it says is in the page without it. No eval, no markup from strings.
 */
export const SCRIPT = `(() => {
'use strict';
const data = JSON.parse(document.getElementById('tdc-data').textContent);
const NS = 'http://www.w3.org/2000/svg';
const draw = (tag, attributes, to) => { const e = document.createElementNS(NS, tag); for (const k in attributes) e.setAttribute(k, attributes[k]); return to.appendChild(e); };
const digits = (a) => (a >= 10 ? 0 : a >= 1 ? 1 : 2);
const rise = (x, up) => {
  if (data.unit !== '%') return (x > 0 ? '+' : x < 0 ? '\\u2212' : '') + Math.abs(x).toPrecision(2) + '\\u00a0' + data.unit;
  const m = 10 ** digits(Math.abs(x)), r = (up ? Math.ceil(x * m - 1e-6) : Math.round(x * m)) / m, t = Math.abs(r).toFixed(digits(Math.abs(r)));
  return (+t === 0 ? '0' : (r < 0 ? '\\u2212' : '+') + t) + '\\u00a0%';
};
const count = (n) => (String(n).length > 4 ? String(n).replace(/\\B(?=(\\d{3})+$)/g, '\\u202f') : String(n));
for (const e of document.querySelectorAll('[data-js]')) e.hidden = false;
const { left, top, width, height } = data.plot;
for (const p of data.panels) {
  const svg = document.getElementById(p.id), figure = svg.closest('figure');
  const range = figure.querySelector('input'), out = figure.querySelector('output');
  const probe = draw('g', { class: 'probe', visibility: 'hidden' }, svg);
  const line = draw('line', { y1: top, y2: top + height }, probe), dot = draw('circle', { r: 4.5 }, probe);
  let at = p.at;
  const show = (i) => {
    const [k, d, high, parameters, y] = p.points[i], x = left + (width * k) / Math.max(1, p.n);
    at = i; probe.setAttribute('visibility', 'visible');
    line.setAttribute('x1', x); line.setAttribute('x2', x); dot.setAttribute('cx', x); dot.setAttribute('cy', y);
    const text = p.what + ' ' + count(k) + ': loss ' + rise(d) + ', at most ' + rise(high, true) + '; ' + count(parameters) + ' parameters';
    range.value = k; out.textContent = text; range.setAttribute('aria-valuetext', text);
  };
  const nearest = (v) => p.points.reduce((b, q, i) => (Math.abs(q[0] - v) < Math.abs(p.points[b][0] - v) ? i : b), 0);
  range.max = p.n; range.value = p.points[at][0];
  range.addEventListener('input', () => {
    const v = +range.value, now = p.points[at][0], i = nearest(v);
    show(i !== at ? i : v > now ? Math.min(at + 1, p.points.length - 1) : v < now ? Math.max(at - 1, 0) : at);
  });
  svg.addEventListener('pointermove', (e) => {
    const b = svg.getBoundingClientRect(), x = ((e.clientX - b.left) / b.width) * svg.viewBox.baseVal.width;
    show(nearest(((x - left) / width) * p.n));
  });
  p.budget = draw('line', { class: 'other-budget', x1: left, x2: left + width, visibility: 'hidden' }, svg);
}
const slider = document.getElementById('budget');
if (slider) {
  const say = document.getElementById('budget-out'), own = +slider.value;
  const look = () => {
    const b = data.budgets[+slider.value];
    const parts = data.panels.slice(0, 8).map((p) => {
      let k = null;
      for (let i = p.points.length - 1; i >= 0 && p.points[i][2] <= b.value + 1e-9; i--) k = p.points[i][0];
      return '\\u2068' + p.name + '\\u2069 ' + (k === null ? 'not shown to hold' : count(k) + ' of ' + count(p.n));
    });
    if (data.panels.length > 8) parts.push('\\u2026');
    say.textContent = b.value + '\\u00a0%: alone, ' + parts.join(' \\u00b7 ');
    slider.setAttribute('aria-valuetext', b.value + ' %');
    for (const p of data.panels) {
      p.budget.setAttribute('y1', b.y); p.budget.setAttribute('y2', b.y);
      p.budget.setAttribute('visibility', +slider.value === own ? 'hidden' : 'visible');
    }
  };
  slider.addEventListener('input', look);
  look();
}
})();`;

/** Index of the report's own budget among the slider's. */
export const OWN_STEP = STEPS.indexOf(1);
export const LAST_STEP = STEPS.length - 1;
