import picomatch from 'picomatch';

import { ModelError, UsageError } from '../errors.js';
import type { ModelGraph, WidthGroup } from '../graph/types.js';
import type { SkippedLayer } from '../records/types.js';

export interface Selection {
  readonly groups: readonly WidthGroup[];
  /** What can't be narrowed, and what was not asked for. */
  readonly skipped: readonly SkippedLayer[];
}

/**
 * The groups that a run works on: those with a layer that matches `layers` (all, where it is empty) and none that matches
 * `exclude`.
 *
 * @param layers globs on layer names
 * @throws UsageError where a glob matches no layer; ModelError where nothing is left
 */
export function selectGroups(graph: ModelGraph, layers: readonly string[], exclude: readonly string[]): Selection {
  for (const [option, patterns] of [['--layers', layers] as const, ['--exclude', exclude] as const]) {
    for (const pattern of patterns) requireMatch(graph, option, pattern);
  }
  const groups = graph.groups.filter(
    (group) => (layers.length === 0 || isNamed(group, layers)) && !isNamed(group, exclude),
  );
  if (groups.length === 0) throw nothingLeft(graph, layers, exclude);
  return { groups, skipped: graph.skipped };
}

function isNamed(group: WidthGroup, patterns: readonly string[]): boolean {
  return [group.name, ...group.producers].some((name) => patterns.some((pattern) => matches(pattern, name)));
}

/** Whether a glob or a plain name means this layer. */
export function matches(pattern: string, name: string): boolean {
  return pattern === name || picomatch.isMatch(name, pattern, { bash: true });
}

function requireMatch(graph: ModelGraph, option: string, pattern: string): void {
  const names = graph.layers.map(({ name }) => name);
  if (names.some((name) => matches(pattern, name)) || graph.groups.some(({ name }) => matches(pattern, name))) return;
  throw new UsageError(`${option} "${pattern}" matches no layer of the model.`, {
    hint: `Its layers: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}.`,
  });
}

function nothingLeft(
  graph: ModelGraph,
  layers: readonly string[],
  exclude: readonly string[],
): ModelError | UsageError {
  if (graph.groups.length > 0) {
    return new UsageError(
      `No layer that can be narrowed is left by --layers ${layers.join(',') || '*'} and --exclude ${exclude.join(',') || 'nothing'}.`,
      { hint: `What can be narrowed: ${graph.groups.map(({ name }) => name).join(', ')}.` },
    );
  }
  const reasons = graph.skipped.map(({ layer, reason }) => `${layer}: ${reason}`).slice(0, 5);
  return new ModelError(`No layer of this model can be narrowed. ${reasons.join('; ')}.`);
}
