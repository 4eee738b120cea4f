import { UsageError } from '../errors.js';
import type { Random } from '../random/index.js';
import { cumulate, drawIndependent, drawSandwich, drawStratified } from './draws.js';
import type { Draw } from './draws.js';
import { fixedLaw, geometricLaw, proportionalLaw, referenceLaw, requireSupport, sandwichLaw } from './laws.js';

/**
 * Plain JSON that names a sampler. `kMin`: the smallest k drawn, a whole number, default 1.
 *
 * - `geometric`: k - kMin geometric, censored at n, its mean exactly n (1 - p); needs p < 1 - kMin/n unless p is 0 or 1
 * - `uniform`: every k from kMin to n alike, each example on its own
 * - `log-uniform`: n with probability `atom` (default .5), else k from kMin (at least 1) to n in proportion to 1/k
 * - `sandwich`: of `widths` + 2 equal parts of a batch one keeps n, one kMin, and each other part one random width
 *   (Yu & Huang 2019, arXiv 1903.05134; default 2 widths)
 * - `fixed`: the widths `ks`, equally often (Kusupati et al. 2022, arXiv 2205.13147); none may exceed n
 * - `triangular`: every k from kMin to n equally often within a batch, the remainder spread evenly (arXiv 2205.01235)
 * - `reference`: the law of the original PyTorch module (github.com/ragulpr/taildropout), which drops a little more than p
 *
 * p is the mean fraction dropped. p = 0 keeps all and p = 1 drops all, whatever kMin.
 */
export type SamplerSpec =
  | { readonly name: 'geometric'; readonly p: number; readonly kMin?: number }
  | { readonly name: 'reference'; readonly p: number }
  | { readonly name: 'uniform' | 'triangular'; readonly kMin?: number }
  | { readonly name: 'log-uniform'; readonly atom?: number; readonly kMin?: number }
  | { readonly name: 'sandwich'; readonly widths?: number; readonly kMin?: number }
  | { readonly name: 'fixed'; readonly ks: readonly number[] };

export type SamplerName = SamplerSpec['name'];

/**
 * A law over the number k of kept features, 0..n. Every draw has the marginal law `probabilities(n)`; the draws of one batch may
 * depend on each other, to cover the law evenly.
 */
export interface Sampler {
  readonly name: SamplerName;
  /** What makes this sampler again, defaults filled in. */
  readonly spec: SamplerSpec;
  /**
   * P(k) at index k, length n + 1.
   *
   * @param n features, a whole number from 1
   * @throws UsageError where the law does not exist for this n
   */
  probabilities(n: number): Float64Array;
  /** One k per example, in random order, length `batch`. */
  draw(n: number, batch: number, random: Random): Int32Array;
}

/** Lower case and hyphens: such strings survive the renaming that TensorFlow.js does when it saves a model. */
export const SAMPLER_NAMES = [
  'geometric',
  'uniform',
  'log-uniform',
  'sandwich',
  'fixed',
  'triangular',
  'reference',
] as const satisfies readonly SamplerName[];

export const SAMPLER_DEFAULTS = { kMin: 1, atom: 0.5, widths: 2 } as const;

/** More random widths than this in one batch say nothing new, and a hostile file could ask for any number. */
const MOST_WIDTHS = 1024;

/** What each sampler takes; anything else is refused, so that a mistyped argument is not ignored. */
const ARGUMENTS: Readonly<Record<SamplerName, readonly string[]>> = {
  geometric: ['p', 'kMin'],
  reference: ['p'],
  uniform: ['kMin'],
  triangular: ['kMin'],
  'log-uniform': ['atom', 'kMin'],
  sandwich: ['widths', 'kMin'],
  fixed: ['ks'],
};

/**
 * Makes a sampler of its description, which may come from a file.
 *
 * @throws UsageError for an unknown name or argument and for a value outside its range; nothing is clamped
 */
export function createSampler(spec: SamplerSpec): Sampler {
  requireKnown(spec);
  switch (spec.name) {
    case 'geometric': {
      const { p, kMin } = { p: requireFraction('p', spec.p), kMin: requireKMin(spec.kMin, 0) };
      return fromLaw({ name: spec.name, p, kMin }, (n) => geometricLaw(n, p, kMin), drawStratified);
    }
    case 'reference': {
      const p = requireFraction('p', spec.p);
      return fromLaw({ name: spec.name, p }, (n) => referenceLaw(n, p), drawIndependent);
    }
    case 'uniform':
    case 'triangular': {
      const kMin = requireKMin(spec.kMin, 0);
      const draw = spec.name === 'uniform' ? drawIndependent : drawStratified;
      return fromLaw({ name: spec.name, kMin }, (n) => proportionalLaw(n, kMin, () => 1), draw);
    }
    case 'log-uniform': {
      const { atom, kMin } = {
        atom: requireFraction('atom', spec.atom ?? SAMPLER_DEFAULTS.atom),
        kMin: requireKMin(spec.kMin, 1),
      };
      const law = (n: number): Float64Array => proportionalLaw(n, kMin, (k) => 1 / k, atom);
      return fromLaw({ name: spec.name, atom, kMin }, law, drawStratified);
    }
    case 'sandwich':
      return sandwich(requireParts(spec.widths ?? SAMPLER_DEFAULTS.widths), requireKMin(spec.kMin, 0));
    case 'fixed': {
      const ks = requireWidths(spec.ks);
      return fromLaw({ name: spec.name, ks }, (n) => fixedLaw(n, ks), drawStratified);
    }
  }
}

/** Whether the sampler `name` takes the argument `argument`. */
export function samplerTakes(name: SamplerName, argument: string): boolean {
  return SAMPLER_NAMES.includes(name) && ARGUMENTS[name].includes(argument);
}

/**
 * How many of `examples` draws are expected to drop something: (1 - P(k = n)) examples. About 50 n of them order a layer.
 *
 * @param examples examples x epochs
 */
export function expectedTruncatedDraws(sampler: Sampler, n: number, examples: number): number {
  // summed from below: 1 - P(n) would lose the digits that matter for a small p
  const truncated = sampler.probabilities(n).subarray(0, n);
  return truncated.reduce((sum, probability) => sum + probability, 0) * examples;
}

function fromLaw(spec: SamplerSpec, law: (n: number) => Float64Array, draw: Draw): Sampler {
  const cumulatives = new Map<number, Float64Array>();
  return {
    name: spec.name,
    spec,
    probabilities: (n) => law(requireCount('n', n, 1)),
    draw: (n, batch, random) => {
      const cumulative = cumulatives.get(n) ?? cumulate(law(requireCount('n', n, 1)));
      cumulatives.set(n, cumulative);
      return draw(cumulative, batch, random);
    },
  };
}

function sandwich(widths: number, kMin: number): Sampler {
  return {
    name: 'sandwich',
    spec: { name: 'sandwich', widths, kMin },
    probabilities: (n) => sandwichLaw(requireCount('n', n, 1), kMin, widths),
    draw: (n, batch, random) => {
      requireSupport(requireCount('n', n, 1), kMin);
      return drawSandwich(n, kMin, widths, batch, random);
    },
  };
}

function requireKnown(spec: SamplerSpec): void {
  const name = SAMPLER_NAMES.find((known) => known === spec?.name);
  if (name === undefined) {
    throw new UsageError(`The sampler must be one of ${SAMPLER_NAMES.join(', ')}, received ${show(spec?.name)}.`);
  }
  const odd = Object.keys(spec).find((key) => key !== 'name' && !samplerTakes(name, key));
  if (odd !== undefined) {
    throw new UsageError(`The ${name} sampler takes ${ARGUMENTS[name].join(' and ')}, received ${show(odd)}.`);
  }
}

function requireFraction(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new UsageError(`${name} must lie within 0..1, received ${show(value)}.`);
}

function requireKMin(value: number | undefined, least: number): number {
  return requireCount('kMin', value ?? SAMPLER_DEFAULTS.kMin, least);
}

function requireCount(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${name} must be a whole number from ${least} up, received ${show(value)}.`);
}

function requireParts(widths: number): number {
  if (Number.isInteger(widths) && widths >= 1 && widths <= MOST_WIDTHS) return widths;
  throw new UsageError(`widths must be a whole number within 1..${MOST_WIDTHS}, received ${show(widths)}.`);
}

function requireWidths(ks: readonly number[]): readonly number[] {
  if (!Array.isArray(ks) || ks.length === 0) {
    throw new UsageError(`The fixed sampler needs ks, a list of widths, received ${show(ks)}.`);
  }
  for (const k of ks) requireCount('Each of ks', k, 0);
  if (new Set(ks).size < ks.length) throw new UsageError(`The widths ks must differ, received ${show(ks)}.`);
  return [...ks].sort((a, b) => a - b);
}

function show(value: unknown): string {
  return (typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))).slice(0, 200);
}
