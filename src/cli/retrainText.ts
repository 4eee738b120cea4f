import type { Measured, PairedMeasured, RetrainRecord } from '../records/types.js';
import { clean } from '../report/escape.js';
import { integer, plain, significant } from '../report/format.js';
import { table } from './table.js';

/** What the retraining did to the whole model, for a terminal. */
export function retrainText(record: RetrainRecord): string {
  const { model, groups, epochs, truncatedDraws, skipped, loss, metrics, sampler } = record;
  const units = groups.map(({ name, n }) => `${clean(name)} (${n})`).join(', ');
  const metric = metrics[0];
  const row = (name: string, m: Measured, change: string): string[] => [
    name,
    significant(m.loss),
    change,
    metric === undefined ? '' : significant(m.metrics[metric.name] ?? Number.NaN),
  ];
  const rows = [
    ['', `loss, ${loss.unit}`, 'change', metric?.name ?? ''],
    row('original', record.original, ''),
    row('retrained', record.retrained, changeText(record.retrained)),
    ...(record.control === undefined ? [] : [row('control', record.control, changeText(record.control))]),
  ];
  const lines = [
    `${clean(model.name)}: ordered ${units}`,
    `${epochs} epochs with TailDropout (${clean(sampler.name)}), about ${integer(truncatedDraws)} draws below full width per group`,
    '',
    ...table(rows, [1, 2, 3]),
    ...skipped.map(({ layer, reason }) => `  ${clean(layer)} stays: ${clean(reason)}`),
  ];
  return `${lines.map(plain).join('\n')}\n`;
}

/** Mean rise, and the 95 % bound above it. */
function changeText({ delta, deltaSe }: PairedMeasured): string {
  const upper = delta + 1.645 * deltaSe;
  return `${delta < 0 ? '' : '+'}${significant(delta, 2)}, at most ${upper < 0 ? '' : '+'}${significant(upper, 2, 'up')}`;
}
