export { createRandom, deriveSeed } from './random.js';
export type { Random } from './random.js';
