import { basename, dirname, resolve } from 'node:path';

import { DataError } from '../errors.js';
import type { Assigned } from './assign.js';
import { checkSizes, cutPlan } from './assign.js';
import { digestOf } from './digest.js';
import { fillSizes, fitSizes } from './fit.js';
import { loadParts } from './load.js';
import type { Role } from './plan.js';
import { planSplits, ROLES } from './plan.js';
import type { RawArray, RawPart, RawParts, RawTarget, ReadRequest } from './raw.js';
import { checkFinite, rowsOf, showShape } from './raw.js';
import type { FittedInput } from './scaling.js';
import { checkWholeNumbers, decideScaling, makeGather, takesWholeNumbers } from './scaling.js';
import type { DataSpec, ModelFit, OneFileSpec, OwnFilesSpec, ReadOptions } from './spec.js';
import { checkSpec, parseShares } from './spec.js';
import type { Source } from './split.js';
import { emptySplit, makeSplit } from './split.js';
import type { Targets } from './target.js';
import { readTargets } from './target.js';
import type { Dataset, Split } from './types.js';

/**
 * Reads a data set, fits it to a model, scales it, decides the target and cuts it.
 *
 * Values stay in memory in their file's dtype and are scaled as rows are read. `digest` covers contents, scaling, target, split and
 * seed; it does not depend on names or on how files are packed.
 *
 * @param spec a path, or a path with options, or files for the splits
 * @throws DataError when data is missing, broken, too small or does not fit; UsageError for an ill specification
 */
export async function readDataset(spec: DataSpec, fit: ModelFit, options: ReadOptions): Promise<Dataset> {
  const checked = checkSpec(spec);
  const shares = 'split' in checked && checked.split !== undefined ? parseShares(checked.split) : undefined;
  const parts = await loadSpec(checked, fit);
  const { plan, list } = planSplits(parts, shares, options.retrain);
  checkParts(list, fit);

  const { inputs, notes } = fitInputs(list, checked, fit);
  const targets = checked.target === 'self' ? undefined : readTargets(list.map(targetOf), fit);
  const cut = cutPlan(plan, list, targets, options.seed);
  checkSizes(cut.rows, options.retrain);

  const sources = list.map((part, index): Source => ({
    inputs: inputs.map((input) => makeGather(part.inputs[input.index], input.sizes, input.scaling, input.int32)),
    target: targets?.arrays[index],
  }));
  const split = (role: Role): Split => pickSplit(sources, cut.rows[role]);
  return {
    name: nameOf(checked),
    digest: digestOf(list, inputs, targets, cut.rows, options.seed),
    splits: { train: split('train'), select: split('select'), report: split('report') },
    target: describeTarget(targets),
    notes: [
      ...new Set([...list.flatMap((part) => part.notes ?? []), ...notes, ...(targets?.notes ?? []), ...cut.notes]),
    ],
  };
}

function pickSplit(sources: readonly Source[], assigned: Assigned[Role]): Split {
  return assigned === undefined ? emptySplit() : makeSplit(sources[assigned.part], assigned.rows);
}

async function loadSpec(spec: OneFileSpec | OwnFilesSpec, fit: ModelFit): Promise<RawParts> {
  const request: ReadRequest = { inputs: spec.inputs, target: spec.target, model: fit.inputs };
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

/** Several files agree on the number of rows per array and on one example's shape. */
function checkParts(list: readonly RawPart[], fit: ModelFit): void {
  for (const part of list) {
    const [first] = part.inputs;
    const others: (RawArray | RawTarget)[] = part.inputs.slice(1);
    if (part.target !== undefined) others.push(part.target);
    for (const other of others) {
      if (rowsOf(other) === first.shape[0]) continue;
      throw new DataError(
        `${other.name} has ${rowsOf(other)} examples, expected ${first.shape[0]} as in ${first.name}.`,
      );
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
    );
  }
}

function fitInputs(
  list: readonly RawPart[],
  spec: OneFileSpec | OwnFilesSpec,
  fit: ModelFit,
): { inputs: FittedInput[]; notes: string[] } {
  const notes: string[] = [];
  const inputs = fit.inputs.map((input, index): FittedInput => {
    const arrays = list.map((part) => part.inputs[index]);
    const model = fillSizes(input.shape.slice(1), index === 0 ? fit.inputShape : undefined, input.name);
    const sizes = fitSizes(arrays[0].shape.slice(1), model, arrays[0].name);
    arrays.forEach(checkFinite);
    if (takesWholeNumbers(input)) arrays.forEach((array) => checkWholeNumbers(array, input));
    const decided = decideScaling(spec, fit, input, arrays, sizes);
    notes.push(...decided.notes);
    return { index, sizes, scaling: decided.scaling, int32: input.dtype === 'int32' };
  });
  return { inputs, notes };
}

function targetOf(part: RawPart): RawTarget {
  if (part.target !== undefined) return part.target;
  throw new DataError(`${part.inputs[0].name} brings no target.`);
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
