import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { startBackend } from '../../src/backend/index.js';
import { checkRandomModels } from './property.js';

beforeAll(async () => {
  await startBackend({ backend: 'wasm', threads: 1 });
});

describe('sliceModel on random small models', () => {
  it('computes what the masked model does, costs what was said, and leaves no tensor: 200 models', () => {
    const before = tf.memory().numTensors;
    const { models, groups, kinds } = checkRandomModels(200, 1);
    expect(models).toBe(200);
    expect(groups).toBeGreaterThan(400);
    const wanted = ['bn', 'both', 'conv', 'dense', 'depthwise', 'embedding', 'prelu', 'rnn', 'shared', 'timed', 'up'];
    expect(wanted.filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
