import type { Program } from '../graph/types.js';

/** Values that change when these steps answer differently: their outputs and everything computed from them. */
export function dependentValues(program: Program, steps: ReadonlySet<number>): ReadonlySet<number> {
  const dependent = new Set<number>();
  for (const step of program.steps) {
    if (!steps.has(step.index) && !step.inputs.some((value) => dependent.has(value))) continue;
    for (const value of step.outputs) dependent.add(value);
  }
  return dependent;
}

/**
 * Values from which the rest of a program can be computed whatever these steps answer: everything that a step which depends on
 * them reads, but that does not itself depend on them.
 *
 * @param steps indices of the steps whose answers vary
 * @param replaced true where the steps' outputs are fed, so that what they alone read is not wanted
 * @returns value ids, ascending
 */
export function frontierOf(program: Program, steps: ReadonlySet<number>, replaced = false): readonly number[] {
  const dependent = dependentValues(program, steps);
  const frontier = new Set<number>();
  for (const step of program.steps) {
    if (!step.outputs.some((value) => dependent.has(value)) || (replaced && steps.has(step.index))) continue;
    for (const value of step.inputs) if (!dependent.has(value)) frontier.add(value);
  }
  for (const value of program.outputs) if (!dependent.has(value)) frontier.add(value);
  return [...frontier].sort((a, b) => a - b);
}
