import type { SkippedLayer } from '../records/types.js';
import type { Analysis } from './analyse.js';
import { tailPoints } from './tail-points.js';
import type { WidthGroup } from './types.js';

export interface Grouping {
  readonly groups: readonly WidthGroup[];
  readonly skipped: readonly SkippedLayer[];
  /** Per representative of units that go together: [group, unit in the group]. */
  readonly places: ReadonlyMap<number, readonly [group: number, unit: number]>;
}

/**
 * Units that the same layers make form one group, in the order of the first of these layers. Units that are pinned, or alone, form none;
 * the layers that make them are listed with the reason.
 */
export function groupUnits(analysis: Analysis): Grouping {
  const families = familiesOf(analysis).filter((family) => family.units.length > 1);
  const places = new Map<number, readonly [number, number]>();
  families.forEach(({ units }, group) => units.forEach((unit, i) => places.set(unit, [group, i])));
  const names = new Set<string>();
  const groups = families.map((family, i) => widthGroup(analysis, family, i, places, names));
  return { groups, skipped: skippedLayers(analysis, places), places };
}

interface Family {
  readonly makers: readonly string[];
  /** Representatives. */
  readonly units: number[];
}

function familiesOf({ units, makers }: Analysis): Family[] {
  const makersOf = new Map<number, Set<string>>();
  for (const [name, made] of makers) {
    for (const unit of made) {
      if (units.reasonOf(unit) !== undefined) continue;
      const root = units.find(unit);
      makersOf.set(root, (makersOf.get(root) ?? new Set()).add(name));
    }
  }
  const families = new Map<string, Family>();
  for (const [root, names] of makersOf) {
    const key = JSON.stringify([...names]);
    const family = families.get(key) ?? { makers: [...names], units: [] };
    family.units.push(root);
    families.set(key, family);
  }
  return [...families.values()];
}

function widthGroup(
  analysis: Analysis,
  family: Family,
  index: number,
  places: Grouping['places'],
  names: Set<string>,
): WidthGroup {
  const unitOf = (unit: number): number => {
    const place = places.get(analysis.units.find(unit));
    return place?.[0] === index ? place[1] : -1;
  };
  const belongs = (units: Int32Array | null): boolean => units?.some((unit) => unitOf(unit) >= 0) ?? false;
  const readers = analysis.reads.filter((read) => belongs(read.units));
  const { steps } = analysis.program;
  return {
    name: uniqueName(family.makers, names),
    n: family.units.length,
    layers: layersOf(analysis, family, belongs),
    producers: family.makers,
    consumers: unique(readers.filter(({ state }) => !state).map(({ step }) => steps[step].name)),
    tailPoints: tailPoints(analysis, unitOf),
    recurrent: unique(readers.filter(({ state }) => state).map(({ step }) => step)),
  };
}

/** Producers first, then whatever else loses weights, in program order. */
function layersOf(analysis: Analysis, { makers }: Family, belongs: (units: Int32Array | null) => boolean): string[] {
  const losing = new Set<string>();
  for (const { layer, axes } of analysis.weights.values()) if (axes.some(belongs)) losing.add(layer);
  const ordered = analysis.program.steps.map(({ name }) => name).filter((name) => losing.has(name));
  return unique([...makers, ...ordered]);
}

function uniqueName(makers: readonly string[], taken: Set<string>): string {
  let name = makers.find((maker) => !taken.has(maker)) ?? makers[0];
  for (let copy = 2; taken.has(name); copy++) name = `${makers[0]}:${copy}`;
  taken.add(name);
  return name;
}

function skippedLayers({ units, makers, filters }: Analysis, places: Grouping['places']): SkippedLayer[] {
  const skipped: SkippedLayer[] = [];
  for (const [layer, made] of [...makers, ...filters]) {
    const stays = made.find((unit) => !places.has(units.find(unit)));
    if (stays === undefined) continue;
    const some = made.some((unit) => places.has(units.find(unit)));
    const reason = units.reasonOf(stays) ?? 'it has one unit';
    skipped.push({ layer, reason: some ? `some of its units stay: ${reason}` : reason });
  }
  return skipped;
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}
