import type * as tf from '@tensorflow/tfjs';

import { formByBasis, narrowModel, planCost, resolvePlan, shrink, tune } from '../../compress/index.js';
import { TrainingError } from '../../errors.js';
import { disposeModel } from '../../model/index.js';
import type { PlanChoice, PlannedGroup, WeightsName } from '../../records/types.js';
import type { JointPoint, PlanCost } from '../../recommend/types.js';
import { digestOf } from '../digest.js';
import { graphLike } from '../read.js';
import type { Session } from '../session.js';
import type { Judge } from './judge.js';
import type { Tuning } from './tuning.js';
import type { PlanWeights } from './weights.js';

/** Builds joint plans and judges them. */
export interface JointModels {
  readonly cost: (plan: PlanChoice) => PlanCost;
  readonly measure: (plan: PlanChoice) => Promise<JointPoint>;
  /** Trains the narrowed model at its widths first; from the tuned weights of a wider plan, where there are such. Absent: no tuning. */
  readonly tune?: (plan: PlanChoice, from?: PlanChoice) => Promise<JointPoint>;
  /** The plan as it is carried out: a kernel whose rank would save no weights stays whole. */
  readonly carried: <Choice extends PlanChoice>(plan: Choice) => Choice;
  /** The narrowed model, or the one that was tuned. The caller disposes it. */
  readonly model: (plan: PlanChoice, tuned: boolean) => tf.LayersModel;
  /** Every tuned model that was not taken. */
  readonly dispose: () => void;
}

export interface JointOptions {
  readonly sets: readonly PlanWeights[];
  readonly judge: Judge;
  readonly tuning?: Tuning;
  readonly latency?: (groups: readonly PlannedGroup[]) => number;
}

/** Joint plans of these sets of weights. */
export function jointModels(session: Session, { sets, judge, tuning, latency }: JointOptions): JointModels {
  const tuned = new Map<string, tf.LayersModel>();
  const setOf = (weights: WeightsName): PlanWeights => sets.find((set) => set.weights === weights)!;
  const judged = async (model: tf.LayersModel): Promise<JointPoint> => judge.point(await judge.rows(model));
  const narrow = ({ weights, groups }: PlanChoice): tf.LayersModel => {
    const { graph, parts } = setOf(weights);
    return narrowModel(graph, groups.filter(isCut), parts);
  };
  const startOf = (plan: PlanChoice, from: PlanChoice | undefined): tf.LayersModel => {
    const wider = from === undefined ? undefined : tuned.get(digestOf(choiceOf(from)));
    if (wider === undefined) return narrow(plan);
    const { graph, parts } = setOf(plan.weights);
    const cut = { graph, from: from!.groups.filter(isCut), to: plan.groups.filter(isCut), parts };
    return shrink(graphLike(wider, graph), cut) ?? narrow(plan);
  };
  const trained = async (model: tf.LayersModel, training: Tuning): Promise<void> => {
    try {
      await tune(graphLike(model, session.graph), training);
    } catch (error) {
      // one that diverges keeps its best epoch, the start at worst, and is judged by that
      if (!(error instanceof TrainingError)) throw error;
    }
  };
  const tuneAt = async (training: Tuning, plan: PlanChoice, from?: PlanChoice): Promise<JointPoint> => {
    const model = startOf(plan, from);
    try {
      await trained(model, training);
      const point = await judged(model);
      tuned.set(digestOf(choiceOf(plan)), model);
      return point;
    } catch (error) {
      disposeModel(model);
      throw error;
    }
  };
  return {
    ...(tuning === undefined ? {} : { tune: (plan, from) => tuneAt(tuning, plan, from) }),
    cost: ({ weights, groups }) => ({
      ...planCost(session.graph, groups.filter(isCut), formByBasis(setOf(weights).parts.rankBasis)),
      ...(latency === undefined ? {} : { latency: latency(groups) }),
    }),
    measure: async (plan) => {
      const model = narrow(plan);
      try {
        return await judged(model);
      } finally {
        disposeModel(model);
      }
    },
    carried: (plan) => {
      const form = formByBasis(setOf(plan.weights).parts.rankBasis);
      const { ranks } = resolvePlan(session.graph, plan.groups.filter(isCut), form);
      const groups = plan.groups.map((group) =>
        group.kind === 'rank' && !ranks.has(group.layer!) ? { ...group, k: group.n } : group,
      );
      return { ...plan, groups };
    },
    model: (plan, wasTuned) => {
      if (!wasTuned) return narrow(plan);
      const key = digestOf(choiceOf(plan));
      const model = tuned.get(key)!;
      tuned.delete(key);
      return model;
    },
    dispose: () => {
      for (const model of tuned.values()) disposeModel(model);
      tuned.clear();
    },
  };
}

function isCut({ k, n }: PlannedGroup): boolean {
  return k < n;
}

function choiceOf({ weights, groups }: PlanChoice): PlanChoice {
  return { weights, groups };
}
