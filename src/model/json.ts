import { ModelError } from '../errors.js';

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** tfjs walks the topology recursively; nothing honest comes near this. */
const MAX_DEPTH = 256;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Refuses JSON that nests deeper than 256 levels or holds a `__proto__` key.
 * Iterative, so that a hostile file cannot exhaust the stack here.
 * @throws ModelError
 */
export function checkDepth(root: Json, what: string): void {
  let level: Json[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw new ModelError(`${what} nests deeper than ${MAX_DEPTH} levels.`);
    const next: Json[] = [];
    for (const value of level) {
      if (Array.isArray(value)) {
        for (const item of value) if (typeof item === 'object' && item !== null) next.push(item);
      } else if (isObject(value)) {
        if (Object.hasOwn(value, '__proto__'))
          throw new ModelError(`${what} holds the key "__proto__", which no model needs.`);
        for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) next.push(item);
      }
    }
    level = next;
  }
}

/** A name for people: quoted, on one line, at most 80 characters, control characters escaped. */
export function quote(value: unknown): string {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > 80 ? `${json.slice(0, 76)}…"` : json;
}

/** The string, or an empty one for anything else. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Shallow copy whose camelCase keys are spelled snake_case, as Keras writes them (hand-edited files mix both). */
export function snakeKeys(object: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    const snake = /^[a-z]+(?:[A-Z][a-z]+)+$/.test(key) ? key.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) : key;
    if (snake === key || !Object.hasOwn(object, snake)) result[snake] = value;
  }
  return result;
}

/** tfjs' own camelCase of one string: `hard_sigmoid` -> `hardSigmoid`. */
export function camelCase(word: string): string {
  return word.length > 1 && word.includes('_')
    ? word.replaceAll(/[_]+(\w|$)/g, (_, c: string) => c.toUpperCase())
    : word;
}

/** What tfjs makes of a Python-style config before it builds layers: keys and strings in camelCase, but for values of `name`. */
export function camelConfig(value: Json): Json {
  if (typeof value === 'string') return camelCase(value);
  if (Array.isArray(value)) return value.map(camelConfig);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) =>
      key === 'name' && typeof item === 'string' ? [key, item] : [camelCase(key), camelConfig(item)],
    ),
  );
}
