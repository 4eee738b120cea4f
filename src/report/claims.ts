import type { RecordHead } from '../records/types.js';
import { examplesNeeded } from './curves.js';
import { integer, NBSP } from './format.js';
import { foreign, phrase, type Phrase } from './phrase.js';
import { riseText } from './scale.js';
import { verdictOf, type FullView, type ReportView, type Verdict } from './view.js';
import { leading, lowestText } from './words.js';

/** A statement about how far to trust the report. `note`: told by a record, without a verdict. */
export interface Claim {
  readonly mark: Verdict | 'note';
  readonly title: string;
  readonly text: Phrase;
}

/** All claims in the order they are read: what was compared, what is not resolved, what was not done, notes. */
export function claims(view: ReportView): Claim[] {
  return [
    ...doubts(view),
    retraining(view),
    ...better(view),
    ...narrower(view),
    ...compared(view),
    paired(view),
    alone(view),
    ...grid(view),
    seeds(view),
    ...(view.input.retrain?.notes ?? [])
      .concat(view.sweep.notes, view.compare?.record.notes ?? [])
      .filter(unique)
      .map((note) => ({ mark: 'note' as const, title: 'Noted.', text: [foreign(note)] })),
  ];
}

/** What the run itself found to doubt. */
function doubts(view: ReportView): Claim[] {
  return (view.sweep.warnings ?? []).map(({ kind, text }) => ({
    mark: kind === 'constant' ? ('broken' as const) : ('unresolved' as const),
    title: kind === 'constant' ? 'No better than a constant answer.' : 'The model has seen this file.',
    text: [foreign(text)],
  }));
}

function unique<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}

function interval(view: ReportView, full: FullView): string {
  return `${riseText(view.scale, full.rise)}, at most ${riseText(view.scale, full.high, 'up')}`;
}

function retraining(view: ReportView): Claim {
  const { retrained, control, scale } = view;
  if (retrained === undefined) {
    return {
      mark: 'unresolved',
      title: 'Not retrained.',
      text: ['The units stand in the order they happen to have; what TailDropout would order was not measured.'],
    };
  }
  const without =
    control === undefined
      ? ' No control was trained, so what TailDropout cost and what more training did are not told apart.'
      : ` The same training without TailDropout (the control): ${interval(view, control)}.`;
  const text = [
    `Retraining alone moved the full-width loss by ${interval(view, retrained)}.${without} Every ${view.compare === undefined ? 'width above' : 'curve on the retrained weights'} includes what retraining did.`,
  ];
  const mark = scale.budget === null ? 'note' : verdictOf(retrained, scale.budget);
  const against = 'Against the original, not the retrained model.';
  const title = {
    holds: retrained.high < 0 ? 'Retraining alone beats the original.' : against,
    note: against,
    unresolved: 'Retraining alone may use up the budget.',
    broken: 'Retraining alone breaks the budget.',
  }[mark];
  return { mark, title, text };
}

function better(view: ReportView): Claim[] {
  return view.groups
    .filter((g) => g.chief.better)
    .slice(0, 3)
    .map((g) => ({
      mark: 'holds',
      title: 'Narrower is better here.',
      text: phrase`${foreign(g.name)}: ${lowestText(view, g.chief)} It was picked as the lowest of ${g.chief.points.length} widths, so the figure leans low.`,
    }));
}

function narrower(view: ReportView): Claim[] {
  const { budget } = view.scale;
  const group = leading(view) ?? view.groups.find((g) => g.chief.unresolved !== null);
  const from = group?.best.unresolved?.from;
  const point = group?.best.points.find(
    (p) => from !== undefined && p.k >= from && budget !== null && p.rise < budget && p.high > budget,
  );
  if (group === undefined || budget === null || point === undefined) return [];
  const needed = examplesNeeded(point, budget, view.sweep.data.examples.select);
  const settle =
    needed === null
      ? ''
      : ` About ${integer(needed)} select examples would settle it, if the rise stays; there are ${integer(view.sweep.data.examples.select)}.`;
  const measured = `${riseText(view.scale, point.rise)}, at most ${riseText(view.scale, point.high, 'up')}`;
  return [
    {
      mark: 'unresolved',
      title: 'Narrower is not resolved.',
      text: phrase`${foreign(group.name)} with ${integer(point.k)} of ${integer(group.best.curve.n)}: ${measured}.${settle}`,
    },
  ];
}

/** What a comparison's figures are worth, and whether it is of this run. */
export function compared(view: ReportView): Claim[] {
  const { compare, input } = view;
  if (compare === undefined || compare.groups.length === 0) return [];
  const most = Math.max(...compare.groups.map((g) => g.drawn.length));
  const found: Claim[] = [];
  if (most > 1) {
    found.push({
      mark: 'unresolved',
      title: `The best of ${most} orderings leans low.`,
      text: [
        'Orderings were compared on the examples that also bound them. What TailDropout orders was retrained, the other orderings cut the weights of the original unless a table says otherwise.',
      ],
    });
  }
  const other = input.sweep === undefined ? [] : differences(input.sweep, compare.record);
  if (other.length > 0) {
    found.push({
      mark: 'broken',
      title: 'The comparison is of another run.',
      text: [`It differs from the sweep in ${other.join(' and ')}: their figures must not be set side by side.`],
    });
  }
  return found;
}

function differences(a: RecordHead, b: RecordHead): string[] {
  return [
    ...(a.model.digest === b.model.digest ? [] : ['the model']),
    ...(a.data.digest === b.data.digest ? [] : ['the data']),
    ...(a.seed === b.seed ? [] : ['the seed']),
  ];
}

function paired(view: ReportView): Claim {
  const { select, report } = view.sweep.data.examples;
  return {
    mark: 'unresolved',
    title: 'The examples that chose also judge.',
    text: [
      `Widths were picked and bounded on the same ${integer(select)} select examples, paired with the original example by example; picking the narrowest makes its bound lean low.${report > 0 ? ` The ${integer(report)} report examples were not read.` : ''}`,
    ],
  };
}

function alone(view: ReportView): Claim {
  const groups = Math.max(view.groups.length, view.compare?.groups.length ?? 0);
  const text =
    groups > 1
      ? 'Rises of several groups do not add up: together they cost more than alone. tdc recommend measures how much.'
      : 'Only one group can be narrowed here.';
  return {
    mark: groups > 1 ? 'unresolved' : 'holds',
    title: 'Each group alone, the others full.',
    text: [text],
  };
}

function grid(view: ReportView): Claim[] {
  if (view.groups.length === 0 && view.compare !== undefined) return [];
  return [everyWidth(view)];
}

function everyWidth(view: ReportView): Claim {
  const gaps = view.groups.filter((g) => g.chief.points.length < g.n + 1);
  const first = gaps[0];
  if (first === undefined)
    return { mark: 'holds', title: 'Every width was measured.', text: ['Nothing between the points is interpolated.'] };
  const others = gaps.length > 1 ? ` (${gaps.length - 1} other group${gaps.length > 2 ? 's' : ''} likewise)` : '';
  return {
    mark: 'unresolved',
    title: 'Not every width was measured.',
    text: phrase`${foreign(first.name)}: ${first.chief.points.length} of ${integer(first.n + 1)}${others}. Lines between measured points are drawn straight and claim nothing.`,
  };
}

function seeds(view: ReportView): Claim {
  const what = view.retrained === undefined ? 'the split of the data' : 'retrainings';
  return {
    mark: 'unresolved',
    title: 'One seed.',
    text: [`The spread over ${what} was not measured (seed${NBSP}${view.sweep.seed}).`],
  };
}
