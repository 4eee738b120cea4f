import { intervalText, isPoint, planClaims } from '../planClaims.js';
import { NBSP } from '../format.js';
import { inlineSvg } from '../svg.js';
import type { PlanView } from '../planView.js';
import { bdi, scroll, type PageContext } from './markup.js';
import { feasibilityTable } from './plan.js';
import { claimItem } from './trust.js';

/** How far to trust a plan: what each step did, every joint model, what could be had, classes, then claims, each marked. */
export function planTrustSection({ view, drawn }: PageContext, plan: PlanView): string {
  const figure = (id: string, title: string, words: string): string => {
    const chart = drawn.get(id);
    return chart === undefined
      ? ''
      : `<figure><h3>${title}</h3>${inlineSvg(chart)}<figcaption>${words}</figcaption></figure>`;
  };
  const sure = `${plan.confidence}${NBSP}%`;
  const steps = figure(
    'steps',
    `What each step did to ${plan.scale.metric === undefined ? 'the loss' : 'the metric'}`,
    `The right end of a bar is the ${sure} bound, paired with the original example by example.${plan.record.planned.tuned ? ' “Tuned” was trained at its widths; everything else was not.' : ''}`,
  );
  const joint = figure('frontier', 'Every joint model measured', jointWords(plan));
  const tuning = figure(
    'tuning',
    'Before and after tuning',
    'Cost against loss: dashed, the cheapest models as cut; solid, those trained at their widths. A thin line joins the same widths.',
  );
  const claims = planClaims(view, plan).map(claimItem).join('');
  return (
    `<section><h2>How far to trust it</h2><div class="panels trio">${steps}${joint}${tuning}</div>` +
    `<ul class="checks">${claims}</ul><div class="lead-in">${feasibilityTable(plan)}</div>${metricTable(plan)}</section>`
  );
}

function jointWords({ joint }: PlanView): string {
  const tuned = joint.some((j) => j.source.tuned) ? ' An outline in ink: tuned.' : '';
  return `● holds, ◇ not resolved, ✚ breaks the budget; the ring is the plan, ■ the original.${tuned} Same scale as above.`;
}

/** Change of each metric on the report split, and per class of the chief one. */
function metricTable({ record, confidence }: PlanView): string {
  const { metrics, classes, examples } = record.report;
  if (examples === 0 || metrics.length === 0) return '';
  const chief = metrics[0]?.name ?? '';
  const body =
    metrics.map((m) => row(bdi(m.name), examples, intervalText(m, isPoint(record, m.name)))).join('') +
    (classes ?? [])
      .map((c) => row(`${bdi(chief)} of ${bdi(c.label)}`, c.examples, intervalText(c, isPoint(record, chief))))
      .join('');
  const caption = `Change on the report split, from and to at ${confidence}${NBSP}% confidence`;
  const table = `<table class="points" cellpadding="4"><caption>${caption}</caption><thead><tr><th class="l" scope="col">metric</th><th scope="col">examples</th><th scope="col">change</th></tr></thead><tbody>${body}</tbody></table>`;
  return `<details><summary>Change of each metric${classes === undefined ? '' : ', and per class'}</summary>${scroll(table)}</details>`;
}

/** Cells are HTML. */
function row(label: string, count: number, text: string): string {
  return `<tr><th class="l long" scope="row">${label}</th><td class="nb">${count}</td><td class="nb">${text}</td></tr>`;
}
