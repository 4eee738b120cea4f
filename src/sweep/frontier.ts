import type { Program, WidthGroup } from '../graph/types.js';

/**
 * Values from which the rest of a program can be computed for any width of a group: everything that a step which depends on
 * the group's masks reads, but that does not itself depend on them.
 *
 * @returns value ids, ascending
 */
export function frontierOf(program: Program, group: Pick<WidthGroup, 'tailPoints'>): readonly number[] {
  const masked = new Set(group.tailPoints.map((point) => point.reader));
  const dependent = new Set<number>();
  const frontier = new Set<number>();
  for (const step of program.steps) {
    if (!masked.has(step.index) && !step.inputs.some((value) => dependent.has(value))) continue;
    for (const value of step.outputs) dependent.add(value);
    for (const value of step.inputs) if (!dependent.has(value)) frontier.add(value);
  }
  for (const value of program.outputs) if (!dependent.has(value)) frontier.add(value);
  return [...frontier].sort((a, b) => a - b);
}
