import type { JointMeasured } from '../records/types.js';
import { compared, type Claim } from './claims.js';
import { integer, NBSP, percent, saving, setting, significant } from './format.js';
import { foreign, phrase, type Phrase } from './phrase.js';
import { riseAndBound, riseNoun } from './planScale.js';
import type { PlanView, RiseView } from './planView.js';
import { isUnchanged, ofTheirOwn, roundUp, settled, spaced, widthsText } from './planWords.js';
import { riseText } from './scale.js';
import type { ReportView } from './view.js';

/** What a plan's figures are worth, in the order it is read: joint, narrower, unseen, training, on disk, seed, notes. */
export function planClaims(view: ReportView, plan: PlanView): Claim[] {
  return [
    ...doubts(plan),
    together(plan),
    ...narrower(plan),
    heldOut(plan),
    training(plan),
    ...tuning(plan),
    ...original(plan),
    ...metricBand(plan),
    ...compared(view),
    ...onDisk(view),
    { mark: 'unresolved', title: 'One seed.', text: [seedText(plan)] },
    ...notes(view, plan),
  ];
}

function doubts({ record }: PlanView): Claim[] {
  return (record.warnings ?? []).map(({ kind, text }) => ({
    mark: kind === 'constant' ? ('broken' as const) : ('unresolved' as const),
    title: kind === 'constant' ? 'No better than a constant answer.' : 'The model has seen this file.',
    text: [foreign(text)],
  }));
}

function together(plan: PlanView): Claim {
  const { record, scale, select } = plan;
  const narrowed = record.groups.filter((g) => g.k < g.n).length;
  const sum = `The groups' own rises add up to ${riseText(scale, record.planned.predicted * scale.factor)}${record.planned.tuned ? ' before tuning' : ''}; the jointly narrowed model was measured at ${riseText(scale, select.rise)}.`;
  const tried = record.evaluations;
  const low =
    tried > 1
      ? ` ${integer(tried)} joint models were tried: picking the narrowest that holds makes the bound on select lean low.`
      : ' One joint model was measured.';
  const rows = ` ${integer(record.rows.steering)} rows of select steered the search, ${integer(record.rows.bounding)} others gave every figure.`;
  return {
    mark: 'holds',
    title: narrowed > 1 ? 'Measured together, not added up.' : 'Measured on the narrowed model.',
    text: [`${narrowed > 0 ? sum : 'Nothing is narrowed.'}${low}${rows}`],
  };
}

/** The likely plan beside the safe one, or what would settle an unresolved one. */
function narrower(plan: PlanView): Claim[] {
  const { record, scale } = plan;
  const { likely } = record;
  if (likely === undefined) {
    if (plan.verdict !== 'unresolved' || record.examplesNeeded === undefined) return [];
    const rest = `, if the rise stays; ${integer(record.rows.bounding)} gave the bound`;
    const text = settled(roundUp(record.examplesNeeded), record.rows.bounding, rest);
    return [{ mark: 'unresolved', title: 'The plan itself is not resolved.', text: [text] }];
  }
  const saves = plan.cost.original === null ? '' : ` (${saving(1 - costOf(plan, likely) / plan.cost.original)})`;
  const needed = likelyNeeds(plan);
  const settle =
    needed === null
      ? oneHalfOnly(plan)
      : ` ${settled(needed, record.rows.bounding, `, if the rise stays; there are ${integer(record.rows.bounding)}`)}`;
  const measured = riseAndBound(scale, riseOf(plan, likely));
  return [
    {
      mark: 'unresolved',
      title: 'Narrower is likely, not resolved.',
      text: phrase`${widthsText(likely)}${saves}: ${measured}.${settle}`,
    },
  ];
}

export function costOf({ record }: PlanView, joint: JointMeasured): number {
  return record.minimize === 'latency' ? (joint.latency ?? 0) : joint[record.minimize];
}

export function riseOf({ scale }: PlanView, joint: JointMeasured): RiseView {
  const [rise, high] = [joint.delta * scale.factor, joint.upper95 * scale.factor];
  return { rise, high, low: 2 * rise - high };
}

/** Why a narrower plan is not taken though its bound lies inside the budget: a plan has to hold on both halves of select. */
export function oneHalfOnly({ record: { likely, budget } }: PlanView): string {
  if (likely === undefined || likely.upper95 > budget.allowed) return '';
  return ' That bound is inside the budget, but the half of select that steered the search did not show it.';
}

/** N (z se / (a - d))² for the likely plan, rounded up; null unless its mean is inside the budget and its bound is not. */
export function likelyNeeds({ record }: PlanView): number | null {
  const { likely, budget, rows } = record;
  if (likely === undefined || likely.delta >= budget.allowed || rows.bounding <= 0) return null;
  if (likely.upper95 <= budget.allowed) return null;
  return roundUp(rows.bounding * ((likely.upper95 - likely.delta) / (budget.allowed - likely.delta)) ** 2);
}

function heldOut(plan: PlanView): Claim {
  const { record, report, scale, confidence } = plan;
  const { reads, examples, verdict } = record.report;
  if (examples === 0) {
    return { mark: 'unresolved', title: 'No report split.', text: ['No examples were left that decided nothing.'] };
  }
  const often =
    reads > 1
      ? ` They were read ${integer(reads)} times for a plan in this folder: with each further reading they decide a little.`
      : ' They were read once, after every decision.';
  const measured = `${integer(examples)} examples that decided nothing: ${riseNoun(scale)} ${riseAndBound(scale, report)} with ${confidence}${NBSP}% confidence.`;
  const [mark, title] = (
    {
      confirms: ['holds', 'The report split confirms it.'],
      'does not contradict': ['unresolved', 'The report split does not contradict it.'],
      contradicts: ['broken', 'The report split contradicts it.'],
    } as const
  )[verdict];
  return {
    mark: reads > 1 && mark === 'holds' ? 'unresolved' : mark,
    title,
    text: [`${measured}${spaced(ofTheirOwn(plan))}${often}`],
  };
}

/** What training did on its own; who did not train says so. */
function training(plan: PlanView): Claim {
  const { scale, control, retrained, record } = plan;
  if (retrained === undefined && control === undefined) {
    return {
      mark: 'note',
      title: 'Against the original.',
      text: ['Every rise is over the original model, paired example by example. Nothing was retrained.'],
    };
  }
  const what = [
    ...(retrained === undefined
      ? []
      : [`Retraining alone moved the full-width ${riseNoun(scale)} by ${riseAndBound(scale, retrained)}`]),
    ...(control === undefined
      ? []
      : [
          `${retrained === undefined ? 'The' : 'the'} same training without TailDropout (the control) ${isUnchanged(control) ? 'changed nothing: no epoch was better than the original' : `by ${riseAndBound(scale, control)}`}`,
        ]),
  ];
  const mine =
    record.weights === 'original'
      ? " The plan cuts the original's own weights."
      : ' The plan includes what training did.';
  const beats = control !== undefined && control.high < 0;
  const mere = beats && record.weights !== 'original' ? ' What the control gains is mere training, not narrowing.' : '';
  return {
    mark: beats ? 'unresolved' : 'holds',
    title: beats ? 'Mere training beats the original.' : 'Against the original, not the retrained model.',
    text: [`${what.join('; ')}.${mine}${mere}`],
  };
}

function tuning(plan: PlanView): Claim[] {
  const { record, untuned, scale } = plan;
  const { tuning: did, planned } = record;
  if (did === undefined) return planned.tuned ? [tunedClaim('')] : [];
  const how = `${integer(did.tried)} plan${did.tried === 1 ? ' was' : 's were'} narrowed and then trained at their widths for ${integer(did.epochs)} epoch${did.epochs === 1 ? '' : 's'} (learning rate ${setting(did.learningRate)}).`;
  if (!planned.tuned) return [{ mark: 'note', title: 'Tuning did not win.', text: [`${how} The plan is untuned.`] }];
  const before = untuned === undefined ? '' : ` Before tuning the same widths cost ${riseAndBound(scale, untuned)}.`;
  return [tunedClaim(`${how}${before}`)];
}

function tunedClaim(how: string): Claim {
  return { mark: 'note', title: 'Tuned.', text: [`The plan's figures are those of the tuned model. ${how}`.trim()] };
}

/** A control that is better than the original says that the original was not trained out. */
function original({ control, scale, record }: PlanView): Claim[] {
  if (control === undefined || control.high >= 0 || record.weights === 'original') return [];
  return [
    {
      mark: 'unresolved',
      title: 'The original was not trained out.',
      text: [
        `Against a model trained as long (the control) the plan's mean is ${riseText(scale, record.planned.delta * scale.factor - control.rise)}.`,
      ],
    },
  ];
}

/** Change of each metric on the report split, with its interval; the classes that change for sure. */
function metricBand({ record, confidence }: PlanView): Claim[] {
  const { metrics, classes, examples } = record.report;
  if (examples === 0 || metrics.length === 0) return [];
  const parts = metrics.map((m) => phrase`${foreign(m.name)} ${intervalText(m, isPoint(record, m.name))}`);
  const list = parts.flatMap((p, i) => (i === 0 ? p : ['; ', ...p]));
  const worse = (classes ?? []).filter((c) => (better(record) === 'higher' ? c.high95 < 0 : c.low95 > 0));
  const said =
    classes === undefined
      ? []
      : worse.length === 0
        ? [` None of the ${classes.length} classes is worse for sure.`]
        : phrase` Worse for sure: ${worse.slice(0, 5).flatMap((c, i) => [i === 0 ? '' : ', ', foreign(c.label)])}${worse.length > 5 ? ` and ${worse.length - 5} more` : ''}.`;
  return [
    {
      mark: worse.length > 0 ? 'unresolved' : 'note',
      title: 'Change of the metrics.',
      text: phrase`On the report split, from and to at ${confidence}${NBSP}% confidence: ${list}.${said}`,
    },
  ];
}

function better({ metrics }: PlanView['record']): 'higher' | 'lower' {
  return metrics[0]?.better ?? 'higher';
}

/** Whether a metric is a share of right answers, told in points. */
export function isPoint({ metrics, original }: PlanView['record'], name: string): boolean {
  const value = original.metrics[name];
  return metrics.find((m) => m.name === name)?.better === 'higher' && value !== undefined && value >= 0 && value <= 1;
}

/** `−0.10 pt (−0.40 to +0.20)`. */
export function intervalText(
  { delta, low95, high95 }: { readonly delta: number; readonly low95: number; readonly high95: number },
  points: boolean,
): string {
  const text = (v: number): string => {
    const body = points ? (100 * v).toFixed(2) : significant(v, 2);
    const value = body.replace('-', '\u2212');
    return Number.parseFloat(body.replace('\u2212', '-')) > 0 ? `+${value}` : value;
  };
  return `${text(delta)}${points ? `${NBSP}pt` : ''} (${text(low95)} to ${text(high95)})`;
}

function onDisk({ input }: ReportView): Claim[] {
  const { compress, plan } = input;
  // A model on disk that another plan made proves nothing of this one.
  if (compress === undefined || compress.plan !== plan?.inputs) return [];
  const { parity, original: from, compressed: to } = compress;
  const share = parity.maxOutput > 0 ? parity.maxAbsDifference / parity.maxOutput : parity.maxAbsDifference;
  const files = `${percent(100 * Math.max(0, 1 - to.fileBytes / Math.max(1, from.fileBytes)), 'down')} fewer bytes on disk.`;
  return [
    {
      mark: 'holds',
      title: 'The smaller file is the measured model.',
      text: [
        `Largest difference of an output ${significant(parity.maxAbsDifference, 2, 'up')} (${significant(share, 2, 'up')} of the largest) on ${integer(parity.examples)} examples; ${files}`,
      ],
    },
  ];
}

function seedText({ record }: PlanView): string {
  const what = record.weights === 'original' && !record.planned.tuned ? 'splits of the data' : 'retrainings';
  return `The spread over ${what} was not measured (seed${NBSP}${record.seed}).`;
}

function notes({ input }: ReportView, { record }: PlanView): Claim[] {
  const all = [...record.notes, ...(input.compress?.notes ?? [])];
  return [...new Set(all)].map((note): Claim => {
    const text: Phrase = [foreign(note)];
    return { mark: 'note', title: 'Noted.', text };
  });
}
