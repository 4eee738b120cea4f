import { DataError } from '../errors.js';
import { fitSizes } from './fit.js';
import type { InputArray, RawArray, RawTarget, TextColumn } from './raw.js';
import { checkFinite, extent, isText, product, showShape } from './raw.js';
import { isStored } from './stored.js';
import { isNumber } from './table.js';
import type { ModelFit } from './spec.js';
import type { StoredTarget, TargetFacts } from './target-scan.js';
import { holdArray, scanTarget } from './target-scan.js';
import type { HostArray, TargetKind } from './types.js';

export interface Targets {
  readonly kind: TargetKind;
  /** Number of classes, for `classes` and `onehot`. */
  readonly classes?: number;
  /** Names of the classes in order, where the target was text. */
  readonly labels?: readonly string[];
  /** One per file, in the order given; int32 [N] for classes, else float32 [N, …]. Large ones stay in their file. */
  readonly arrays: readonly (HostArray | StoredTarget)[];
  readonly notes: readonly string[];
}

/**
 * Decides what the targets of all files are, from their values and the model's output, and converts them.
 *
 * Text and whole numbers, one per example, are classes when the output has several units; two words or 0/1 are binary for one
 * sigmoid unit; targets of the output's own shape are one-hot rows, binary values or real numbers.
 *
 * @throws DataError for labels outside the output's range, NaN, shapes that don't fit, several outputs
 */
export async function readTargets(raw: readonly RawTarget[], fit: ModelFit): Promise<Targets> {
  if (fit.outputs !== 1) {
    throw new DataError(`The model has ${fit.outputs} outputs, and labels are taken for one output only.`, {
      hint: "Take the target 'self', the model's own outputs.",
    });
  }
  const texts = raw.filter(isText);
  if (texts.length > 0 && texts.length < raw.length) {
    const number = raw.find((target) => !isText(target));
    throw new DataError(`${texts[0].name} holds words where ${number?.name ?? ''} holds numbers.`, {
      hint: 'Write the classes in the same way in every file.',
    });
  }
  if (texts.length > 0) return readWords(texts, fit);
  return readNumbers(raw as readonly InputArray[], fit);
}

function readWords(columns: readonly TextColumn[], fit: ModelFit): Targets {
  const units = unitsOf(fit);
  const expected = units === 1 ? 2 : units;
  const labels = [...new Set(columns.flatMap((column) => column.words))].sort();
  if (labels.length !== expected) throw wrongWords(columns[0], labels, expected, units);
  const codeOf = new Map(labels.map((label, code) => [label, code]));
  const codes = columns.map((column) => column.codes.map((code) => codeOf.get(column.words[code]) ?? 0));
  const shown = labels.slice(0, 10).map((label, code) => `${code} = ${label}`);
  const notes = [`classes by name: ${shown.join(', ')}${labels.length > 10 ? ', …' : ''}`];
  if (units === 1) {
    const arrays = codes.map((values) => ({ shape: [values.length, 1], values: Float32Array.from(values) }));
    return { kind: 'binary', labels, arrays, notes };
  }
  const arrays = codes.map((values) => ({ shape: [values.length], values }));
  return { kind: 'classes', classes: units, labels, arrays, notes };
}

function wrongWords(column: TextColumn, labels: readonly string[], expected: number, units: number): DataError {
  const odd = column.words.findIndex((word) => !isNumber(word));
  if (column.words.some(isNumber) && odd >= 0) {
    return new DataError(
      `${column.name} is '${column.words[odd]}' in ${column.places[odd]}, where other rows hold numbers.`,
    );
  }
  const shown = labels.slice(0, 10).join(', ') + (labels.length > 10 ? ', …' : '');
  return new DataError(
    `${column.name} holds ${labels.length} classes (${shown}), expected ${expected} for the model's output of ${units} unit${units === 1 ? '' : 's'}.`,
    { hint: 'Where some classes are missing from the data, give their numbers instead of their names.' },
  );
}

async function readNumbers(raw: readonly InputArray[], fit: ModelFit): Promise<Targets> {
  const sizes = fit.output.shape.slice(1);
  const single = raw.every((target) => product(target.shape.slice(1)) === 1);
  const list: InputArray[] = [];
  for (const target of raw) list.push(single ? await holdArray(target) : target);
  if (single && sizes.length === 1 && unitsOf(fit) > 1) return readClasses(list as RawArray[], unitsOf(fit));

  const shapes = list.map((target) => [target.shape[0], ...fitTarget(target, sizes)]);
  const units = sizes.length === 0 ? 1 : (shapes[0].at(-1) ?? 1);
  const facts: TargetFacts[] = [];
  for (const [index, target] of list.entries()) facts.push(await scanTarget(target, shapes[index], units));
  const kind = kindOf(list, facts, units, fit.output.activation);
  const arrays = list.map((target, index): HostArray | StoredTarget => {
    const shape = shapes[index];
    if (!isStored(target)) return { shape, values: Float32Array.from(target.values) };
    const { classes = new Int32Array(0), digest = '' } = facts[index];
    return { shape, stored: target, classes, digest };
  });
  return { kind, ...(kind === 'onehot' ? { classes: units } : {}), arrays, notes: [] };
}

function fitTarget(target: InputArray, sizes: readonly (number | null)[]): number[] {
  try {
    return fitSizes(target.shape.slice(1), sizes, target.name);
  } catch (cause) {
    throw new DataError(
      `${target.name} (the target) has shape ${showShape(target.shape.slice(1))}, expected [N] or the model's output shape ${showShape(sizes)}.`,
      { hint: 'Name another target, or save it in one of these shapes.', cause },
    );
  }
}

function readClasses(raw: readonly RawArray[], units: number): Targets {
  for (const target of raw) {
    checkFinite(target, target.values);
    const bad = target.values.findIndex((value) => !Number.isInteger(value) || value < 0 || value >= units);
    if (bad < 0) continue;
    const [min, max] = extent(target.values);
    throw new DataError(
      `${target.name} (the target) is ${target.values[bad]} in example ${bad}, expected a class from 0 to ${units - 1} for the model's ${units} output units.`,
      { hint: min === 1 && max === units ? 'Classes count from 0: subtract 1.' : undefined },
    );
  }
  refuseOneClass(raw);
  const arrays = raw.map((target) => ({ shape: [target.shape[0]], values: Int32Array.from(target.values) }));
  return { kind: 'classes', classes: units, arrays, notes: [] };
}

/** One class says nothing about a classifier, and mostly means that another column is the target. */
function refuseOneClass(raw: readonly RawArray[]): void {
  const [first] = raw.flatMap((target) => [...target.values.subarray(0, 1)]);
  if (first === undefined || raw.some((target) => target.values.some((value) => value !== first))) return;
  throw new DataError(`${raw[0].name} (the target) is ${first} in every example, expected at least two classes.`, {
    hint: 'Name the column or array that holds the labels.',
  });
}

function kindOf(
  raw: readonly InputArray[],
  facts: readonly TargetFacts[],
  units: number,
  activation: string | undefined,
): TargetKind {
  if (activation === 'sigmoid') {
    if (facts.every(({ zeroOne }) => zeroOne)) {
      // one unit means one value per example, and such targets are held
      if (units === 1) refuseOneClass(raw.filter((target): target is RawArray => !isStored(target)));
      return 'binary';
    }
    refuseOutside(raw, facts, "the model's sigmoid output");
    return 'real';
  }
  if (activation === 'softmax' && units > 1) {
    refuseOutside(raw, facts, "the model's softmax output");
    refuseSums(raw, facts);
    return 'onehot';
  }
  const linear = activation === undefined || activation === 'linear';
  return linear && units > 1 && facts.every(({ oneHot }) => oneHot) ? 'onehot' : 'real';
}

/** Throws at the first value outside 0..1. */
function refuseOutside(raw: readonly InputArray[], facts: readonly TargetFacts[], what: string): void {
  for (const [index, { outside }] of facts.entries()) {
    if (outside === undefined) continue;
    const example = Math.floor(outside.position / product(raw[index].shape.slice(1)));
    throw new DataError(
      `${raw[index].name} (the target) is ${outside.value} in example ${example}, expected 0 to 1 for ${what}.`,
    );
  }
}

function refuseSums(raw: readonly InputArray[], facts: readonly TargetFacts[]): void {
  for (const [index, { badSum }] of facts.entries()) {
    if (badSum === undefined) continue;
    throw new DataError(
      `${raw[index].name} (the target) sums to ${badSum.sum} over the classes in row ${badSum.row}, expected 1 for the model's softmax output.`,
    );
  }
}

function unitsOf(fit: ModelFit): number {
  const units = fit.output.shape.at(-1);
  if (fit.output.shape.length < 2 || units === null || units === undefined) {
    throw new DataError(
      `The model's output shape ${showShape(fit.output.shape.slice(1))} has no fixed number of units.`,
    );
  }
  return units;
}
