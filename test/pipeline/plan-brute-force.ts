import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { RUN_DEFAULTS } from '../../src/pipeline/index.js';
import type { RunInput } from '../../src/pipeline/index.js';
import { checkPlan } from '../../src/pipeline/plan/check.js';
import { halvesOf } from '../../src/pipeline/plan/halves.js';
import { jointModels } from '../../src/pipeline/plan/joint.js';
import { createJudge } from '../../src/pipeline/plan/judge.js';
import { planStage } from '../../src/pipeline/plan/plan-stage.js';
import { weightsOf } from '../../src/pipeline/plan/weights.js';
import { closeSession, openSession, type Session } from '../../src/pipeline/session.js';
import { fullContext } from '../../src/pipeline/types.js';
import { createRandom } from '../../src/random/index.js';
import type { PlannedGroup, PlanRecord } from '../../src/records/types.js';
import { contextOf, UNITS_ONLY, writeCase } from './plan-cases.js';

/** A net of three groups of some units, trained for a while on the answers of a random one of its like. */
async function trained(seed: number, width: number, dir: string): Promise<RunInput> {
  const net = (initial: number, gain: number): tf.LayersModel => {
    const kernel = (i: number) => tf.initializers.varianceScaling({ scale: gain, seed: initial + i });
    const one = (name: string, i: number) =>
      tf.layers.dense({ name, units: width, activation: 'relu', kernelInitializer: kernel(i) });
    const classes = tf.layers.dense({ name: 'classes', units: 3, activation: 'softmax', kernelInitializer: kernel(4) });
    const x = tf.input({ shape: [5], name: 'x' });
    const hidden = ['a', 'b', 'c'].map(one).reduce((on, layer) => layer.apply(on) as tf.SymbolicTensor, x);
    return tf.model({ inputs: x, outputs: classes.apply(hidden) as tf.SymbolicTensor });
  };
  const teacher = net(seed, 3);
  const student = net(seed + 10, 1);
  const random = createRandom(seed);
  const inputs = tf.tensor2d(
    Float32Array.from({ length: 1024 * 5 }, () => random.normal()),
    [1024, 5],
  );
  const outputs = teacher.predict(inputs) as tf.Tensor;
  const optimizer = tf.train.adam(1e-2);
  student.compile({ optimizer, loss: 'categoricalCrossentropy' });
  await student.fit(inputs, outputs, { epochs: 8, batchSize: 64, shuffle: false });
  const options = await writeCase(dir, teacher, 1500, seed);
  const { model } = await writeCase(join(dir, 'student'), student, 4, seed);
  tf.dispose([inputs, outputs]);
  optimizer.dispose();
  return { ...options, model };
}

async function inSession<T>(options: RunInput, body: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession({ ...RUN_DEFAULTS, ...UNITS_ONLY, ...options }, fullContext(contextOf('.')));
  try {
    return await body(session);
  } finally {
    await closeSession(session);
  }
}

interface Combination {
  readonly parameters: number;
  /** The larger of both halves' bounds. */
  readonly worst: number;
}

/** Cost and bounds of every combination of widths, measured one by one on the same halves. */
async function everyCombination(session: Session): Promise<Combination[]> {
  const halves = halvesOf(session.dataset.splits.select.size, session.options.seed);
  const judge = await createJudge(session, halves, 'relative');
  const models = jointModels(session, { sets: await weightsOf(session, undefined), judge });
  const found: Combination[] = [];
  const [{ n }] = session.graph.groups;
  const names = session.graph.groups.map(({ name }) => name);
  for (let index = 0; index < n ** 3 - 1; index++) {
    const groups = names.map((name, i): PlannedGroup => ({
      name,
      n,
      k: 1 + (Math.floor(index / n ** i) % n),
      basis: 'magnitude',
      kind: 'unit',
      folded: true,
    }));
    const plan = { weights: 'original' as const, groups };
    const { steer, bound } = await models.measure(plan);
    found.push({ parameters: models.cost(plan).parameters, worst: Math.max(steer.upper95, bound.upper95) });
  }
  return found;
}

/** Beside each other: plans for some budgets, and the cheapest that passes the same rule on the same rows. */
export interface Compared {
  readonly budget: number;
  readonly plan: PlanRecord;
  /** Parameters of the cheapest combination whose bounds hold on both halves; undefined: none does. */
  readonly cheapest: number | undefined;
}

/** Plans a net of three groups of `width` units and measures all its width ** 3 - 1 narrower selves. */
export async function bruteForce(
  seed: number,
  width: number,
  budgets: readonly number[],
  dir: string,
): Promise<Compared[]> {
  const base: RunInput = { ...(await trained(seed, width, dir)), bases: ['magnitude'], seed };
  const all = await inSession({ ...base, out: join(dir, 'all') }, everyCombination);
  const compared: Compared[] = [];
  for (const budget of budgets) {
    const plan = await inSession({ ...base, budget, out: join(dir, 'run') }, async (session) =>
      planStage(session, undefined, await checkPlan(session, []), []),
    );
    const holding = all.filter(({ worst }) => worst <= plan.budget.allowed).map(({ parameters }) => parameters);
    compared.push({ budget, plan, cheapest: holding.length === 0 ? undefined : Math.min(...holding) });
  }
  return compared;
}
