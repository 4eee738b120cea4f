/** Curves and a budget → the cheapest plan that holds; sees no tensor, gets its truth through `measure(plan)`. */
export { allowedRise, nearZeroWarning, parseBudget, type Budget, type BudgetBase } from './budget.js';
export { judgePoint, judgeReport } from './judge.js';
export { RECOMMEND_DEFAULTS, type RecommendOptions } from './options.js';
export { recommend, type PlanOutcome } from './recommend.js';
export type { Candidate, CandidateCurve, JointPoint, PlanCost, PlanProblem, PlanVariable } from './types.js';
