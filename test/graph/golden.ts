import type { ModelGraph } from '../../src/graph/index.js';

/** A graph's groups as text that a person can check against an architecture. */
export function describeGroups({ groups, skipped, program }: ModelGraph): string {
  const blocks = groups.map((group) =>
    [
      `${group.name}: ${group.n} units`,
      `  made by ${group.producers.join(', ')}`,
      `  also loses ${group.layers.filter((layer) => !group.producers.includes(layer)).join(', ')}`,
      `  mixed by ${group.consumers.join(', ')}`,
      ...group.tailPoints.map(({ name, axis, units }) => `  masked ${name}, axis ${axis}${mapped(units)}`),
      ...group.recurrent.map((step) => `  own state of ${program.steps[step].name}`),
    ].join('\n'),
  );
  return [...blocks, ...skipped.map(({ layer, reason }) => `skipped ${layer}: ${reason}`), ''].join('\n');
}

function mapped(units: Int32Array | null): string {
  return units === null ? '' : `, ${units.length} positions`;
}
