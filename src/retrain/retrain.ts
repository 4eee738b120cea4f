import * as tf from '@tensorflow/tfjs';

import type { AdamLike } from '../backend/types.js';
import type { Batch, Split } from '../data/types.js';
import { TrainingError } from '../errors.js';
import { feedsOf, fetchesLogits } from '../evaluate/forward.js';
import { masking } from '../evaluate/masks.js';
import { runProgram } from '../graph/index.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import type { Sampler } from '../layers/index.js';
import { softTargets, trainingLoss } from '../objective/training.js';
import type { Objective, Outputs } from '../objective/types.js';
import { createRandom, deriveSeed } from '../random/index.js';
import type { EpochRecord } from '../records/types.js';
import { expectedLoss } from './held.js';
import { cosineRate, type Schedule } from './schedule.js';
import { Teacher } from './teacher.js';
import { trainableVariables } from './variables.js';

export interface RetrainOptions {
  readonly objective: Objective;
  /** Rows that are trained on. */
  readonly train: Split;
  /** A slice of the train rows that is held back: the weights with the lowest expected loss on it are kept. */
  readonly held: Split;
  /** The frozen original: the teacher, and the target of target `self`. */
  readonly original: ModelGraph;
  /** Groups that are masked, by name; every one with its own draws. */
  readonly groups: readonly string[];
  /** Absent for the control: the same run without TailDropout. */
  readonly sampler?: (n: number) => Sampler;
  readonly schedule: Schedule;
  readonly batchSize: number;
  /** > 0; half a cosine from here to 1 % of it. */
  readonly learningRate: number;
  /** Every weight, or only the selected layers and what reads them. */
  readonly trains: 'all' | 'selected';
  /** Half task loss, half divergence from the original; without it the task alone. */
  readonly distill: boolean;
  readonly seed: number;
  readonly createAdam: (learningRate: number) => AdamLike;
  /** After each step: steps done of all, the batch's loss. */
  readonly onProgress?: (done: number, total: number, loss: number) => void;
  /** Awaited between steps; throws to stop. */
  readonly pause?: () => Promise<void>;
}

/**
 * Orders the features of a model in place: TailDropout at every tail point of the selected groups, one draw of k a group,
 * example and step. Its weights end as those of the epoch with the lowest expected loss under the sampler.
 *
 * The start counts as epoch 0: a run that only harms leaves the weights as they were.
 *
 * @param graph the model to be retrained; its variables change.
 * @returns one entry an epoch.
 * @throws TrainingError where the loss is not a finite number; the weights are then those of the best epoch so far.
 */
export async function retrain(graph: ModelGraph, options: RetrainOptions): Promise<EpochRecord[]> {
  const groups = graph.groups.filter(({ name }) => options.groups.includes(name));
  const variables = trainableVariables(graph, groups, options.trains);
  const optimizer = options.createAdam(options.learningRate);
  const teacher = new Teacher(options.original.program, options.train.size);
  const best = new Best(variables);
  const history: EpochRecord[] = [];
  try {
    best.offer(await expectedLoss(graph, groups, options));
    for (let epoch = 1; epoch <= options.schedule.epochs; epoch++) {
      const trainLoss = await runEpoch({ graph, groups, variables, optimizer, teacher, epoch }, options);
      const expected = await expectedLoss(graph, groups, options);
      best.offer(expected);
      history.push({
        epoch,
        learningRate: rateAt(epoch * options.schedule.stepsPerEpoch - 1, options),
        trainLoss,
        expectedLoss: expected,
      });
    }
    return history;
  } finally {
    best.restore();
    optimizer.dispose();
  }
}

interface Run {
  readonly graph: ModelGraph;
  readonly groups: readonly WidthGroup[];
  readonly variables: readonly tf.Variable[];
  readonly optimizer: AdamLike;
  readonly teacher: Teacher;
  readonly epoch: number;
}

async function runEpoch(run: Run, options: RetrainOptions): Promise<number> {
  const { train, batchSize, schedule, seed } = options;
  const order = createRandom(deriveSeed(seed, 'order', run.epoch)).permutation(train.size);
  let total = 0;
  for (let at = 0; at < schedule.stepsPerEpoch; at++) {
    await options.pause?.();
    const step = (run.epoch - 1) * schedule.stepsPerEpoch + at;
    const rows = order.slice(at * batchSize, (at + 1) * batchSize);
    const batch = await train.read(rows);
    run.optimizer.setLearningRate(rateAt(step, options));
    const taught = options.distill || options.objective.self ? await run.teacher.outputs(rows, batch) : undefined;
    const loss = await trainStep(run, batch, taught, step, options);
    total += loss * batch.size;
    options.onProgress?.(step + 1, schedule.epochs * schedule.stepsPerEpoch, loss);
  }
  return total / train.size;
}

function rateAt(step: number, { learningRate, schedule }: RetrainOptions): number {
  return cosineRate(learningRate, step, schedule.epochs * schedule.stepsPerEpoch);
}

async function trainStep(
  run: Run,
  batch: Batch,
  teacher: Outputs | undefined,
  step: number,
  options: RetrainOptions,
): Promise<number> {
  const { graph, groups, optimizer, variables } = run;
  const { objective } = options;
  const masked = options.sampler === undefined ? {} : masking(groups, drawWidths(groups, batch.size, step, options));
  const feeds = feedsOf(graph.program, batch);
  const minimize = (): tf.Scalar =>
    optimizer.minimize(
      () => {
        const outputs = runProgram(graph.program, feeds, {
          training: true,
          freezeBatchNorm: true,
          logits: fetchesLogits(graph.program),
          ...masked,
        });
        const losses = outputs.map((output, i) => {
          const part = outputs.length === 1 ? teacher : partOf(teacher, outputs, i);
          const targets = tf.tensor(softTargets(objective, output.shape, batch.target, part), output.shape);
          const loss = trainingLoss(objective, output, targets);
          // several outputs weigh as they are judged: by their numbers
          return outputs.length === 1 ? loss : tf.mul<tf.Scalar>(loss, output.size / total(outputs));
        });
        return losses.length === 1 ? losses[0] : tf.addN(losses);
      },
      true,
      [...variables],
    )!;
  let cost: tf.Scalar;
  try {
    cost = minimize();
  } finally {
    tf.dispose([...feeds.values()]);
  }
  const loss = (await cost.data())[0];
  cost.dispose();
  if (!Number.isFinite(loss)) {
    throw new TrainingError(`The training loss became ${loss} at step ${step + 1} of epoch ${run.epoch}.`, {
      hint: `Lower --learning-rate (${options.learningRate} now), or check the scale of the data with --scale.`,
    });
  }
  return loss;
}

function total(outputs: readonly tf.Tensor[]): number {
  return outputs.reduce((sum, { size }) => sum + size, 0);
}

/** The teacher's numbers for one of several outputs; see join in evaluate/forward. */
function partOf(
  teacher: { values: Float32Array; rows: number } | undefined,
  outputs: readonly tf.Tensor[],
  index: number,
) {
  if (teacher === undefined) return undefined;
  const widths = outputs.map((output) => output.size / teacher.rows);
  const width = widths.reduce((total, size) => total + size, 0);
  const start = widths.slice(0, index).reduce((total, size) => total + size, 0);
  const values = new Float32Array(teacher.rows * widths[index]);
  for (let row = 0; row < teacher.rows; row++) {
    const from = row * width + start;
    values.set(teacher.values.subarray(from, from + widths[index]), row * widths[index]);
  }
  return { values, rows: teacher.rows, units: outputs[index].shape.at(-1)! };
}

function drawWidths(
  groups: readonly WidthGroup[],
  rows: number,
  step: number,
  { sampler, seed }: RetrainOptions,
): ReadonlyMap<string, Int32Array> {
  return new Map(
    groups.map(({ name, n }) => [
      name,
      sampler!(n).draw(n, rows, createRandom(deriveSeed(seed, 'widths', name, step))),
    ]),
  );
}

/** Remembers the weights of the best epoch, on the host. */
class Best {
  readonly #variables: readonly tf.Variable[];
  #weights: Float32Array[] | undefined;
  #loss = Infinity;

  constructor(variables: readonly tf.Variable[]) {
    this.#variables = variables;
  }

  offer(loss: number): void {
    if (this.#weights !== undefined && !(loss < this.#loss)) return;
    this.#loss = Number.isFinite(loss) ? loss : Infinity;
    this.#weights = this.#variables.map((variable) => Float32Array.from(variable.dataSync()));
  }

  restore(): void {
    this.#weights?.forEach((values, i) => {
      const variable = this.#variables[i];
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
    });
  }
}
