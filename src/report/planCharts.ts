import type { ReportView } from './view.js';
import { frontierChart, tuningChart } from './frontierChart.js';
import { intervalChart, type IntervalRow } from './intervalChart.js';
import type { PlanView, RiseView } from './planView.js';
import { judged } from './planWords.js';
import type { Chart } from './svg.js';

/** How many times as far as all others the rise before tuning may be and still have a bar. */
const FAR = 4;

/** The gauge, every step's interval, every joint model, and what tuning did. */
export function planCharts(view: ReportView, plan: PlanView): Chart[] {
  const shapes = ['circle', 'square'] as const;
  const rows: IntervalRow[] = judged(plan).map((r, i) => ({ ...r, shape: shapes[i] ?? 'circle' }));
  const { tuned } = plan.record.planned;
  // Far above the others it would squeeze them; the words say it too.
  const reach = FAR * Math.max(plan.scale.budget ?? 0, plan.select.high, plan.report.high);
  const steps = [
    ...step('control, full', plan.control, 'soft'),
    ...step('retrained, full', plan.retrained, 'tail'),
    ...(plan.untuned === undefined || plan.untuned.rise > reach
      ? []
      : [{ ...bare(plan.untuned), label: 'before tuning' }]),
    ...rows.map((r, i) => ({ ...r, label: `${tuned ? 'tuned' : 'plan'}, ${i === 0 ? 'select' : 'report'}` })),
  ];
  return [
    plan.nothing ? null : intervalChart('gauge', plan.scale, rows, 'The plan against the original'),
    intervalChart('steps', plan.scale, steps, 'What each step did'),
    frontierChart(view, plan),
    tuningChart(view, plan),
  ].filter((c) => c !== null);
}

function bare({ rise, low, high }: RiseView): RiseView {
  return { rise, low, high };
}

/** A bar that no budget judges. */
function step(label: string, rise: RiseView | undefined, tone: 'soft' | 'tail'): IntervalRow[] {
  return rise === undefined ? [] : [{ label, ...rise, tone, shape: 'diamond' }];
}
