import { DataError } from '../errors.js';
import { product, showShape } from './raw.js';

/**
 * Fits one example's sizes to the sizes a model takes: equal as they are; axes of size 1 added or dropped; flat to any sizes of the
 * same product and back (C order, channels last). Open sizes take the data's.
 *
 * @param data sizes of an example, without N
 * @param model sizes without the batch, null where open
 * @returns sizes without null and of the data's product
 * @throws DataError that names both shapes
 */
export function fitSizes(data: readonly number[], model: readonly (number | null)[], name: string): number[] {
  const found = matchAxes(data, model) ?? matchFlat(data, model) ?? matchSqueezed(data, model);
  if (found !== undefined) return found;
  const open = model.includes(null);
  throw new DataError(
    `${name} has shape ${showShape(data)}, which does not fit the shape ${showShape(model)} that the model takes.`,
    { hint: isChannelsFirst(data, model) ? 'Move the channels to the last axis.' : open ? OPEN_HINT : undefined },
  );
}

const OPEN_HINT = "Give the data one axis for each of the model's, examples first.";

/** Puts given sizes where the model leaves them open. `given` may begin with the batch. */
export function fillSizes(
  model: readonly (number | null)[],
  given: readonly number[] | undefined,
  name: string,
): (number | null)[] {
  if (given === undefined) return [...model];
  const sizes = given.length === model.length + 1 ? given.slice(1) : given;
  const fits = sizes.length === model.length && model.every((size, axis) => size === null || size === sizes[axis]);
  if (fits) return [...sizes];
  throw new DataError(
    `The input shape [${given.join(', ')}] does not fit the shape ${showShape(model)} of the model's input '${name}'.`,
    { hint: `Give a size for each axis without the examples, such as ${model.map((size) => size ?? 64).join(',')}.` },
  );
}

function matchAxes(data: readonly number[], model: readonly (number | null)[]): number[] | undefined {
  const fits = data.length === model.length && model.every((size, axis) => size === null || size === data[axis]);
  return fits ? [...data] : undefined;
}

/** One of the two is flat; at most one open size follows from the product. */
function matchFlat(data: readonly number[], model: readonly (number | null)[]): number[] | undefined {
  if (data.length > 1 && model.length > 1) return undefined;
  const known = product(model.map((size) => size ?? 1));
  const open = model.filter((size) => size === null).length;
  const total = product(data);
  if (open === 0) return known === total ? (model as number[]).slice() : undefined;
  if (open > 1 || total % known !== 0) return undefined;
  return model.map((size) => size ?? total / known);
}

/** Equal but for axes of size 1. */
function matchSqueezed(data: readonly number[], model: readonly (number | null)[]): number[] | undefined {
  const core = data.filter((size) => size !== 1);
  const closed = model.filter((size) => size !== 1);
  const sizes = matchAxes(core, closed);
  if (sizes === undefined) return undefined;
  return model.map((size) => (size === 1 ? 1 : (sizes.shift() ?? 1)));
}

function isChannelsFirst(data: readonly number[], model: readonly (number | null)[]): boolean {
  return data.length > 1 && matchAxes([...data.slice(1), data[0]], model) !== undefined;
}
