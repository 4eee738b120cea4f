import type { RecommendOptions } from '../../recommend/options.js';
import type { PlanProblem } from '../../recommend/types.js';
import type { BudgetInfo, CandidatesRecord, Rise } from '../../records/types.js';
import type { Session } from '../session.js';
import { pauseOf } from '../stage.js';
import { candidatesOf } from './candidates-stage.js';
import type { JointModels } from './joint.js';
import { riseOf, type Judge } from './judge.js';
import type { PlanWeights } from './weights.js';

/** Who judges joint plans, by what budget, and who builds them. */
export interface PlanSearch {
  readonly judge: Judge;
  readonly budget: BudgetInfo;
  readonly models: Pick<JointModels, 'cost' | 'measure' | 'tune'>;
}

/** What is to be planned: the single curves with their rises in the budget's unit, and how joint plans are measured. */
export async function planProblem(
  session: Session,
  sets: readonly PlanWeights[],
  curves: Pick<CandidatesRecord, 'original' | 'groups'>,
  { judge, budget, models }: PlanSearch,
): Promise<PlanProblem> {
  const { objective, options } = session;
  const full = new Map<PlanWeights, Rise>();
  for (const set of sets) full.set(set, judge.point(await judge.rows(set.graph.model)).steer);
  const rise = (point: Parameters<typeof riseOf>[2]) => riseOf(objective, budget.kind, point, curves.original);
  return {
    candidates: candidatesOf(curves, sets, { rise }, (set) => full.get(set)!),
    allowed: budget.allowed,
    minimize: options.minimize,
    cost: models.cost,
    measure: models.measure,
    ...(models.tune === undefined ? {} : { tune: models.tune }),
  };
}

/** How planning goes about it, by what the run was told. */
export function planOptions(session: Session, { halves }: Judge): Partial<RecommendOptions> {
  const { options, context } = session;
  return {
    confidence: options.confidence,
    roundTo: options.roundTo,
    min: options.min,
    pin: options.pin,
    boundingRows: halves.bounding.length,
    pause: pauseOf(session),
    onProgress: (done, total, detail) => context.onEvent({ type: 'progress', stage: 'recommend', done, total, detail }),
  };
}
