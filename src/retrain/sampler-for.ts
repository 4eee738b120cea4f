import { UsageError } from '../errors.js';
import type { WidthGroup } from '../graph/types.js';
import { createSampler, samplerTakes, SAMPLER_NAMES, type Sampler, type SamplerName } from '../layers/index.js';

export interface SamplerOptions {
  readonly sampler: string;
  /** Mean fraction of units dropped. */
  readonly p: number;
  /** Smallest k drawn. */
  readonly kMin: number;
}

/**
 * One sampler a width, of the named law; what a law does not take is left out. `fixed` keeps powers of two and n.
 *
 * @throws UsageError for an unknown name, and for a law that does not exist at some group's width, which it names
 */
export function samplerFor(
  groups: readonly Pick<WidthGroup, 'name' | 'n'>[],
  options: SamplerOptions,
): (n: number) => Sampler {
  const name = SAMPLER_NAMES.find((known) => known === options.sampler);
  if (name === undefined) {
    throw new UsageError(`--sampler must be one of ${SAMPLER_NAMES.join(', ')}, got "${options.sampler}".`);
  }
  const byWidth = new Map<number, Sampler>();
  for (const group of groups) {
    if (byWidth.has(group.n)) continue;
    byWidth.set(group.n, checked(group, name, options));
  }
  return (n) => byWidth.get(n)!;
}

function checked(group: Pick<WidthGroup, 'name' | 'n'>, name: SamplerName, options: SamplerOptions): Sampler {
  try {
    const sampler = make(name, group.n, options);
    sampler.probabilities(group.n);
    return sampler;
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`Group ${group.name} of ${group.n} units: ${cause.message}`, {
      hint: 'Lower --p, lower --k-min, or leave the group out with --exclude.',
      cause,
    });
  }
}

function make(name: SamplerName, n: number, { p, kMin }: SamplerOptions): Sampler {
  if (name === 'fixed') return createSampler({ name, ks: powersOfTwo(n) });
  const given = { p, kMin };
  const taken = Object.fromEntries(Object.entries(given).filter(([argument]) => samplerTakes(name, argument)));
  return createSampler({ name, ...taken } as Parameters<typeof createSampler>[0]);
}

function powersOfTwo(n: number): readonly number[] {
  const ks = [n];
  for (let k = 1; k < n; k *= 2) ks.push(k);
  return ks;
}
