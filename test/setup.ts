import { configureGlobal } from 'fast-check';

import { createRandom } from '../src/random/index.js';

/** Another number, given as TEST_SEED, looks whether a test passes by luck. */
const seed = Number(process.env.TEST_SEED ?? 1);

// tfjs draws initial weights, and the seeds that it was not given, from here: a test shall see the same ones each time
const random = createRandom(seed);
Math.random = () => random.uniform();
configureGlobal({ seed });
