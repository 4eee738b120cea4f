import type { CompressRecord, PlanRecord } from '../records/types.js';
import { bytes, integer, NBSP, percent, plain, saving, signed, significant } from './format.js';
import { columnsOf, fit, pad, pen, type Pen, type TerminalOptions } from './pen.js';
import { toText } from './phrase.js';
import { verdictLines } from './planTerminal.js';
import { widthsText } from './planWords.js';
import { unitText } from './scale.js';
import { viewReport } from './view.js';

const WIDEST = 80;
const NARROWEST = 40;

/** Milliseconds of one example, measured. */
export interface Milliseconds {
  readonly original: number;
  readonly compressed: number;
}

/** What is known of a written model beside its record. */
export interface CompressContext {
  /** Says whether what was written holds its budget. */
  readonly plan?: PlanRecord;
  /** Of the whole models, where they were timed. */
  readonly milliseconds?: Milliseconds;
}

/**
 * The result of `tdc compress` for stdout: the plan's verdict, before and after, the parity check, what storing the weights added. At most 80
 * columns.
 */
export function renderCompressTerminal(
  record: CompressRecord,
  options: TerminalOptions,
  { plan, milliseconds }: CompressContext = {},
): string {
  const page = pen({ ...options, columns: Math.max(NARROWEST, Math.min(WIDEST, options.columns)) });
  const { original, compressed } = record;
  const share = original.parameters > 0 ? 1 - compressed.parameters / original.parameters : 0;
  const title = `${fit(record.model.name, 40)}: ${percent(100 * Math.max(0, share), 'down')} fewer parameters`;
  const lines = [
    ...page.wrap(title, 0).map(page.bold),
    ...(plan === undefined ? [] : verdictLines(viewReport({ plan }), page)),
    ...page.wrap(`Kept: ${toText(kept(record))}`, 2),
    '',
    ...table(record, milliseconds, page),
    '',
    ...page.wrap(parityText(record, page), 2).map((l) => page.paint('holds', l)),
    ...facts(record).flatMap((f) => page.wrap(f, 2)),
  ];
  return `${lines.map((l) => page.charset(l).trimEnd()).join('\n')}\n`;
}

function kept(record: CompressRecord): ReturnType<typeof widthsText> {
  const list = widthsText({ groups: record.groups, tuned: record.tuned === true });
  return list.length === 0 ? ['every layer whole'] : list;
}

function table({ original, compressed }: CompressRecord, times: Milliseconds | undefined, page: Pen): string[] {
  const rows = [
    ['', 'original', 'compressed', 'change'],
    row('parameters', original.parameters, compressed.parameters, integer),
    row('multiply-adds', original.macs, compressed.macs, integer),
    row('weights', original.bytes, compressed.bytes, bytes),
    row('files on disk', original.fileBytes, compressed.fileBytes, bytes),
    ...(times === undefined ? [] : [row('one example', times.original, times.compressed, ms)]),
  ].map((r) => r.map(plain));
  const first = Math.max(...rows.map((r) => columnsOf(r[0] ?? '')));
  const size = Math.min(14, Math.floor((page.columns - 2 - first) / 3));
  return rows.map(([label = '', ...cells], i) => {
    const line = `  ${pad(label, first)}${cells.map((c) => pad(c, size, true)).join('')}`;
    return i === 0 ? page.soft(line) : line;
  });
}

function row(label: string, from: number, to: number, text: (v: number) => string): string[] {
  return [label, text(from), text(to), change(from, to)];
}

function ms(value: number): string {
  return `${significant(value, 3)}${NBSP}ms`;
}

function change(from: number, to: number): string {
  if (from === 0 || from === to) return from === to ? `0${NBSP}%` : '';
  return to < from ? saving(1 - to / from) : `+${percent((100 * to) / from - 100, 'up')}`;
}

/** Both checks passed, or there would be no record. */
function parityText({ parity }: CompressRecord, page: Pen): string {
  const { maxAbsDifference, maxOutput, examples } = parity;
  const share = maxOutput > 0 ? maxAbsDifference / maxOutput : maxAbsDifference;
  const mark = page.unicode ? '✔ ' : '';
  return `${mark}The file is the measured model: outputs differ by at most ${significant(maxAbsDifference, 2, 'up')}, ${significant(share, 2, 'up')} of the largest, on ${integer(examples)} examples.`;
}

function facts(record: CompressRecord): string[] {
  const { quantisation, tuned, batchNorm, weights, loss } = record;
  const whose = {
    original: "the original's weights",
    control: "the control's weights",
    retrained: 'the weights that TailDropout retrained',
  }[weights];
  const unit = unitText(loss.unit);
  const rise = (v: number, up?: 'up'): string => `${signed(significant(v, 2, up))}${NBSP}${unit}`;
  return [
    tuned === true ? 'Weights: those trained at these widths.' : `Weights: ${whose}, not tuned.`,
    ...(quantisation === undefined
      ? []
      : [
          `Storing them as ${unitText(quantisation.dtype)} adds ${rise(quantisation.delta)}, at most ${rise(quantisation.upper95, 'up')}.`,
        ]),
    ...(batchNorm === 're-estimated' ? ['Statistics of BatchNormalization were taken anew from train rows.'] : []),
  ];
}
