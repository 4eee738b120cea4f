export { expectedTruncatedDraws, createSampler, SAMPLER_DEFAULTS, SAMPLER_NAMES, samplerTakes } from './sampler.js';
export type { Sampler, SamplerName, SamplerSpec } from './sampler.js';
export { PrefixDraw, sharedDraw } from './prefix-draw.js';
export { keepFirst, KEEP_PREFIXES, keepPrefixes, SELECT_OR_ZERO } from './keep-prefixes.js';
export type { KeepPrefixesAttributes, KeepPrefixesOptions } from './keep-prefixes.js';
export { applyMask, prefixMask } from './prefix-mask.js';
export type { PrefixMaskOptions } from './prefix-mask.js';
export { TAIL_DROPOUT_DEFAULTS, TailDropout, tailDropout } from './tail-dropout.js';
export type { TailDropoutArgs } from './tail-dropout.js';
