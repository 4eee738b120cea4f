import { basename, dirname, resolve } from 'node:path';

import { DataError } from '../errors.js';
import type { Assigned, Groups } from './assign.js';
import { checkSizes, cutPlan, drawRows } from './assign.js';
import { digestOf } from './digest.js';
import { fillSizes, fitSizes } from './fit.js';
import { groupCodes } from './groups.js';
import { loadParts } from './load.js';
import type { Plan, Role } from './plan.js';
import { planSplits, ROLES } from './plan.js';
import type { RawPart, RawParts, RawTarget, ReadRequest } from './raw.js';
import { product, rowsOf, showShape } from './raw.js';
import type { DecideScaling, FittedInput, Gather } from './scaling.js';
import { makeGather, prepareScaling } from './scaling.js';
import type { Scan } from './scan.js';
import { scanArray } from './scan.js';
import type { DataSpec, ModelFit, OneFileSpec, OwnFilesSpec, ReadOptions } from './spec.js';
import { checkSpec, parseShares } from './spec.js';
import type { Source } from './split.js';
import { emptySplit, makeSplit } from './split.js';
import type { Memory } from './stored.js';
import { isStored, MEMORY_DEFAULTS } from './stored.js';
import type { Targets } from './target.js';
import { readTargets } from './target.js';
import type { StoredTarget } from './target-scan.js';
import { isStoredTarget } from './target-scan.js';
import type { Dataset, HostArray, Split } from './types.js';

/** Rows are addressed by 32-bit integers. */
const MOST_ROWS = 2 ** 31 - 1;

/** A file that is read whole, and its values beside it, stay below what Node takes in one piece. */
const MOST_RESIDENT = 2 ** 30;

/**
 * Reads a data set, fits it to a model, scales it, decides the target and cuts it.
 *
 * Values stay in their file's dtype and are scaled as rows are read: in memory, or in the file for an uncompressed npy, npz or idx
 * array larger than `options.resident`. Such a file is gone through once here, a block at a time; it is open only while it is
 * being read, so nothing has to be closed. A read throws DataError when the file has changed since.
 * `digest` covers contents, scaling, target, split and seed; it does not depend on names, on how files are packed, or on memory.
 *
 * @param spec a path, or a path with options, or files for the splits
 * @throws DataError when data is missing, broken, too small or does not fit; UsageError for an ill specification
 */
export async function readDataset(spec: DataSpec, fit: ModelFit, options: ReadOptions): Promise<Dataset> {
  const checked = checkSpec(spec);
  const shares = 'split' in checked && checked.split !== undefined ? parseShares(checked.split) : undefined;
  const parts = await loadSpec(checked, fit, memoryOf(options));
  const { plan, list } = planSplits(parts, shares, options.retrain);
  checkParts(list, fit);

  // what is quick to refuse comes before a look at every value
  const fitted = fitInputs(list, checked, fit);
  const targets = checked.target === 'self' ? undefined : await readTargets(list.map(targetOf), fit);
  const groups = checked.groupBy === undefined ? undefined : await groupsOf(plan, list, checked.groupBy);
  const cut = cutPlan(plan, list, targets, options.seed, groups);
  const { rows, notes: drawn } = drawRows(cut.rows, options.examples ?? MOST_ROWS, options.seed);
  checkSizes(rows, options.retrain);
  const { inputs, contents, notes } = await scanInputs(list, fitted);

  const sources = list.map((part, index): Source => ({
    inputs: inputs.map((input) => makeGather(part.inputs[input.index], input.sizes, input.scaling, input.int32)),
    target: targets === undefined ? undefined : gatherTarget(targets.arrays[index]),
  }));
  const split = (role: Role): Split => pickSplit(sources, rows[role]);
  return {
    name: nameOf(checked),
    digest: digestOf(contents, inputs, targets, rows, options.seed),
    splits: { train: split('train'), select: split('select'), report: split('report') },
    target: describeTarget(targets),
    notes: [...new Set([...notesOf(list, targets), ...notes, ...(targets?.notes ?? []), ...cut.notes, ...drawn])],
  };
}

/** Groups matter to what is cut; splits that are given stay as they are. */
async function groupsOf(plan: Plan, list: readonly RawPart[], groupBy: string): Promise<Groups> {
  const codes = plan.cut === undefined ? undefined : await groupCodes(list[plan.cut.part], groupBy);
  return { groupBy, ...(codes === undefined ? {} : { codes }) };
}

function pickSplit(sources: readonly Source[], assigned: Assigned[Role]): Split {
  return assigned === undefined ? emptySplit() : makeSplit(sources[assigned.part], assigned.rows);
}

function memoryOf({ resident, block }: ReadOptions): Memory {
  return {
    resident: Math.min(resident ?? MEMORY_DEFAULTS.resident, MOST_RESIDENT),
    block: block ?? MEMORY_DEFAULTS.block,
  };
}

async function loadSpec(spec: OneFileSpec | OwnFilesSpec, fit: ModelFit, memory: Memory): Promise<RawParts> {
  const request: ReadRequest = {
    inputs: spec.inputs,
    target: spec.target,
    groupBy: spec.groupBy,
    memory,
    model: fit.inputs,
  };
  if ('path' in spec) return loadParts(spec.path, spec.format, request);
  const parts: RawParts = {};
  for (const role of ROLES) {
    const path = spec[role];
    if (path === undefined) continue;
    const read = await loadParts(path, spec.format, request);
    const part = read.whole ?? read[role] ?? (role === 'train' ? undefined : read.test);
    if (part === undefined) throw new DataError(`${basename(path)} holds no examples for ${role}.`);
    parts[role] = part;
  }
  return parts;
}

/** What readers left out, and what stays in its file. */
function notesOf(list: readonly RawPart[], targets: Targets | undefined): string[] {
  const stored = [
    ...list.flatMap((part) => part.inputs.filter(isStored)),
    ...(targets?.arrays ?? []).filter(isStoredTarget).map((target) => target.stored),
  ];
  return [
    ...list.flatMap((part) => part.notes ?? []),
    ...stored.map(({ name }) => `${name} stays in its file, rows are read when they are needed`),
  ];
}

/** Several files agree on the number of rows per array and on one example's shape. */
function checkParts(list: readonly RawPart[], fit: ModelFit): void {
  for (const part of list) {
    const [first] = part.inputs;
    if (first.shape[0] > MOST_ROWS) {
      throw new DataError(`${first.name} has ${first.shape[0]} examples, expected at most ${MOST_ROWS}.`, {
        hint: 'Take fewer examples.',
      });
    }
    const others: RawTarget[] = part.inputs.slice(1);
    if (part.target !== undefined) others.push(part.target);
    if (part.groups !== undefined) others.push(part.groups);
    for (const other of others) {
      if (rowsOf(other) === first.shape[0]) continue;
      throw new DataError(
        `${other.name} has ${rowsOf(other)} examples, expected ${first.shape[0]} as in ${first.name}.`,
        { hint: 'Every array holds one entry for each example, in the same order.' },
      );
    }
    for (const { name, shape } of part.inputs) {
      if (shape[0] === 0 || product(shape) > 0) continue;
      throw new DataError(`${name} has shape ${showShape(shape.slice(1))}, so its examples hold no values.`);
    }
    for (const [index, input] of part.inputs.entries()) {
      const [sizes, expected] = [input.shape.slice(1), list[0].inputs[index].shape.slice(1)];
      if (sizes.join() === expected.join()) continue;
      throw new DataError(
        `${input.name} has shape ${showShape(sizes)}, expected ${showShape(expected)} as in ${list[0].inputs[index].name}.`,
      );
    }
  }
  if (list[0].inputs.length !== fit.inputs.length) {
    throw new DataError(
      `The data brings ${list[0].inputs.length} inputs, expected ${fit.inputs.length} for the model.`,
      { hint: 'Name one array for each model input in the data entry of the configuration: inputs: ["a", "b"].' },
    );
  }
}

interface Fitted {
  readonly input: ModelFit['inputs'][number];
  readonly sizes: readonly number[];
  readonly decide: DecideScaling;
}

function fitInputs(list: readonly RawPart[], spec: OneFileSpec | OwnFilesSpec, fit: ModelFit): Fitted[] {
  return fit.inputs.map((input, index) => {
    const { shape, name } = list[0].inputs[index];
    const model = fillSizes(input.shape.slice(1), index === 0 ? fit.inputShape : undefined, input.name);
    const sizes = fitSizes(shape.slice(1), model, name);
    return { input, sizes, decide: prepareScaling(spec, fit, input, sizes) };
  });
}

async function scanInputs(
  list: readonly RawPart[],
  fitted: readonly Fitted[],
): Promise<{ inputs: FittedInput[]; contents: string[]; notes: string[] }> {
  const inputs: FittedInput[] = [];
  const contents: string[] = [];
  const notes: string[] = [];
  for (const [index, { input, sizes, decide }] of fitted.entries()) {
    const scans: Scan[] = [];
    for (const part of list) scans.push(await scanArray(part.inputs[index], input));
    const decided = decide(scans);
    notes.push(...decided.notes);
    contents.push(...scans.map(({ digest }) => digest));
    inputs.push({ index, sizes, scaling: decided.scaling, int32: input.dtype === 'int32' });
  }
  return { inputs, contents, notes };
}

function gatherTarget(target: HostArray | StoredTarget): Gather {
  const sizes = target.shape.slice(1);
  if (isStoredTarget(target)) return makeGather(target.stored, sizes);
  const int32 = target.values instanceof Int32Array;
  return makeGather({ dtype: int32 ? 'int32' : 'float32', values: target.values }, sizes, undefined, int32);
}

function targetOf(part: RawPart): RawTarget {
  if (part.target !== undefined) return part.target;
  throw new DataError(`${part.inputs[0].name} brings no target.`, {
    hint: "Name it, or take the target 'self' for the model's own outputs.",
  });
}

function describeTarget(targets: Targets | undefined): Dataset['target'] {
  if (targets === undefined) return { kind: 'self' };
  const { kind, classes, labels } = targets;
  return { kind, ...(classes === undefined ? {} : { classes }), ...(labels === undefined ? {} : { labels }) };
}

function nameOf(spec: OneFileSpec | OwnFilesSpec): string {
  const path = resolve('path' in spec ? spec.path : spec.train);
  return basename(path) === '' ? basename(dirname(path)) : basename(path);
}
