import type { RetrainRecord, RunRecord } from '../../records/types.js';
import { escapeXml } from '../escape.js';
import { duration, integer, setting, significant, twoDigits } from '../format.js';
import type { CurveView } from '../curves.js';
import { COST_HEADS } from '../planRows.js';
import { budgetShort } from '../planScale.js';
import type { PlanView } from '../planView.js';
import { curveName } from '../panelLabels.js';
import type { GroupView } from '../groupView.js';
import type { ReportView } from '../view.js';
import { bdi, scroll, type Section } from './markup.js';

/** Of the panels, those that come with their tables of measured points: the record has them all. */
const WITH_TABLE = 0.5;

/** Where it comes from: enough to run it again, and every measured point. */
export const provenanceSection: Section = ({ view, panels }) => {
  const { run } = view.input;
  const again =
    run === undefined ? '' : `<p class="soft">Run it again:</p><pre id="cmd">${escapeXml(run.command)}</pre>`;
  const list = facts(view)
    .map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`)
    .join('');
  const most = Math.ceil(WITH_TABLE * panels);
  const tables = view.groups
    .slice(0, most)
    .map((g) => pointsTable(view, g))
    .join('');
  const missing =
    view.groups.length > most
      ? `<p class="soft">The measured points of the other ${view.groups.length - most} groups stand in ${view.input.sweep === undefined ? 'compare.json' : 'sweep.json'}.</p>`
      : '';
  return `<section><h2>Where it comes from</h2>${again}<dl>${list}</dl><div class="no-print">${tables}${missing}</div></section>`;
};

function facts(view: ReportView): [string, string][] {
  const { sweep } = view;
  const { run, retrain } = view.input;
  const { examples } = sweep.data;
  const { backend } = sweep;
  const found: [string, string][] = [
    ['model', `${bdi(sweep.model.name)} · ${digest(sweep.model.digest)}`],
    ['data', `${bdi(sweep.data.name)} · ${digest(sweep.data.digest)}`],
    [
      'examples',
      `train ${integer(examples.train)} · select ${integer(examples.select)} (decides) · report ${integer(examples.report)} (${readText(view)})`,
    ],
    ['loss', `${bdi(sweep.loss.name)}, mean per example, ${escapeXml(view.scale.unit)}`],
    ...(retrain === undefined ? [] : training(retrain)),
    ...(view.plan === undefined ? [] : planned(view.plan, view.input.candidates?.rows)),
    [
      'backend',
      [backend.name, backend.device, backend.variant].map(bdi).join(', ') +
        `, ${backend.threads} thread${backend.threads === 1 ? '' : 's'}`,
    ],
    ['tool', bdi(sweep.tool)],
    ['seed', String(sweep.seed)],
    ...(run === undefined ? [] : machine(run)),
  ];
  return found;
}

function readText({ plan }: ReportView): string {
  if (plan === undefined) return 'not read';
  const { reads } = plan.record.report;
  return reads === 1 ? 'read once' : `read ${integer(reads)} times`;
}

function training(retrain: RetrainRecord): [string, string][] {
  const { sampler } = retrain;
  const what = `TailDropout ${bdi(sampler.name)}, p = ${setting(sampler.p)}, k ≥ ${integer(sampler.kMin)}; ${integer(retrain.epochs)} epochs, learning rate ${setting(retrain.learningRate)}, batches of ${integer(retrain.batchSize)}`;
  const trained = retrain.train === 'all' ? 'every weight trains' : 'only the selected layers and their readers train';
  return [
    [
      'training',
      `${what}; ${trained}${retrain.distill ? '; half the loss is the distance to the original (distillation)' : ''}`,
    ],
  ];
}

function planned({ record, scale, confidence }: PlanView, curveRows: number | undefined): [string, string][] {
  const { rows, minimize, evaluations, tuning, baseline } = record;
  const tuned =
    tuning === undefined ? '' : `; ${integer(tuning.tried)} tuned for ${integer(tuning.epochs)} epochs each`;
  const single =
    curveRows === undefined || curveRows >= rows.steering ? '' : ` (single curves by ${integer(curveRows)} of them)`;
  return [
    [
      'plan',
      `budget ${escapeXml(budgetShort(scale))} at ${confidence} %, fewest ${COST_HEADS[minimize]}; ${integer(evaluations)} joint models${tuned}; select cut in ${integer(rows.steering)} rows that steered${single} and ${integer(rows.bounding)} that gave the bound`,
    ],
    ...(baseline === undefined ? [] : [['baseline', bdi(baseline.name)] satisfies [string, string]]),
  ];
}

function machine(run: RunRecord): [string, string][] {
  const versions = Object.entries(run.versions).map(([name, version]) => bdi(`${name} ${version}`));
  const stages = run.stages.map((s) => `${bdi(s.name)} ${s.reused ? 'reused' : duration(s.seconds)}`);
  const { os, cpu, cores } = run.machine;
  return [
    ...(versions.length > 0 ? [['versions', versions.join(' · ')] satisfies [string, string]] : []),
    ['machine', `${bdi(cpu)}, ${cores} core${cores === 1 ? '' : 's'}, ${bdi(os)}`],
    ...(stages.length > 0 ? [['took', stages.join(' · ')] satisfies [string, string]] : []),
    ['started', bdi(run.startedAt)],
  ];
}

/** Closing tags that HTML lets one leave out are left out: a third of the bytes. */
function pointsTable(view: ReportView, group: GroupView): string {
  const curves = [group.chief, ...(group.other === undefined ? [] : [group.other])];
  const unit = view.scale.kind === 'relative' ? '%' : view.scale.unit;
  const head = curves.map((c) => `<th scope="col">${curveName(c)}`).join('');
  const rows = group.chief.points.map((p) => {
    const cells = curves.map((c) => cell(view, c, p.k)).join('');
    return `<tr><th scope="row">${integer(p.k)}${cells}<td>${integer(p.source.parameters)}`;
  });
  const caption = `Rise of the loss over the original's, in ${escapeXml(unit)}, with its 95 % bound in brackets; this group alone at k, the others full`;
  const table = `<table class="points"><caption>${caption}</caption><thead><tr><th scope="col">k${head}<th scope="col">parameters</thead><tbody>${rows.join('')}</tbody></table>`;
  return `<details><summary>${bdi(group.name)}: every measured point</summary>${scroll(table)}</details>`;
}

function cell(view: ReportView, curve: CurveView, k: number): string {
  const point = curve.points.find((p) => p.k === k);
  if (point === undefined) return '<td>';
  const number =
    view.scale.kind === 'relative'
      ? twoDigits
      : (x: number, r?: 'nearest' | 'down' | 'up'): string => significant(x, 2, r);
  return `<td>${number(point.rise)} (${number(point.high, 'up')})`;
}

function digest(text: string): string {
  return `<code>${escapeXml(text)}</code>`;
}
