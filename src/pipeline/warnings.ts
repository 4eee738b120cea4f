import { rangeRows, subSplit } from '../data/split.js';
import type { HostArray, Split } from '../data/types.js';
import { chunks } from '../evaluate/forward.js';
import { measureRows, type RowLosses } from '../evaluate/measure.js';
import { constantLoss } from '../objective/constant.js';
import { mean, standardError } from '../objective/stats.js';
import { CHUNK, pauseOf } from './stage.js';
import type { Doubt } from '../records/types.js';
import { rowsOf } from '../sweep/chunk-size.js';
import type { Session } from './session.js';

/** At most this many train rows are judged to see whether the model knows them. */
const PEEK = 2000;

/**
 * Says what makes every later figure doubtful: a model no better than a constant answer, and a model that has seen the file
 * it is judged on.
 */
export async function warnings(session: Session): Promise<readonly Doubt[]> {
  const { graph, objective, dataset } = session;
  const { train, select } = dataset.splits;
  const batchSize = rowsOf(graph.program, session.options);
  const options = { objective, batchSize, reference: graph.program, pause: pauseOf(session) };
  const seen = subSplit(train, rangeRows(0, Math.min(PEEK, train.size)));
  const judged = await measureRows(graph.program, { ...options, split: select });
  const known =
    train.size === 0 || objective.self ? undefined : await measureRows(graph.program, { ...options, split: seen });
  const found = [await againstConstant(session, judged), againstTrain(judged, known, objective.unit)];
  return found.filter((doubt) => doubt !== undefined);
}

async function againstConstant({ objective, dataset, graph }: Session, judged: RowLosses): Promise<Doubt | undefined> {
  if (objective.self) return undefined;
  const { shape } = graph.program.values[graph.program.outputs[0]];
  const target = await targetOf(dataset.splits.select);
  const constant = constantLoss(objective, target, shape.at(-1) ?? 1);
  const loss = mean(judged.loss);
  if (!(loss >= constant)) return undefined;
  const text = `The model does no better than a constant answer (loss ${loss.toPrecision(3)} against ${constant.toPrecision(3)} ${objective.unit}): is the scale of the data right, and are the labels the model's?`;
  return { kind: 'constant', text };
}

/** Far below: the train rows' loss is under 70 % of select's, by more than three standard errors. */
function againstTrain(judged: RowLosses, known: RowLosses | undefined, unit: string): Doubt | undefined {
  if (known === undefined) return undefined;
  const [onTrain, onSelect] = [mean(known.loss), mean(judged.loss)];
  const error = Math.hypot(standardError(known.loss), standardError(judged.loss));
  if (!(onTrain < 0.7 * onSelect && onSelect - onTrain > 3 * error)) return undefined;
  const text = `The model's loss on the train rows (${onTrain.toPrecision(3)} ${unit}) is far below that on select (${onSelect.toPrecision(3)}): it has seen this file, so retraining may only repeat what it knows.`;
  return { kind: 'seen', text };
}

/** The targets of a split without holding its inputs. */
export async function targetOf(split: Split): Promise<HostArray | undefined> {
  const parts: HostArray[] = [];
  for await (const { batch } of chunks(split, CHUNK)) if (batch.target !== undefined) parts.push(batch.target);
  if (parts.length === 0) return undefined;
  const length = parts.reduce((total, { values }) => total + values.length, 0);
  const values = parts[0].values instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  return { shape: [split.size, ...parts[0].shape.slice(1)], values };
}
