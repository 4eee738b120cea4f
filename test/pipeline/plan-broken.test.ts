import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, vi } from 'vitest';

import { TrainingError } from '../../src/errors.js';
import { disposeModel } from '../../src/model/index.js';
import { RUN_DEFAULTS, runRecommend } from '../../src/pipeline/index.js';
import { halvesOf } from '../../src/pipeline/plan/halves.js';
import { createJudge } from '../../src/pipeline/plan/judge.js';
import { closeSession, openSession } from '../../src/pipeline/session.js';
import { fullContext } from '../../src/pipeline/types.js';
import { contextOf, setWeights, testFolder, twoOfEight } from './plan-cases.js';

const folder = testFolder();

const tunings = vi.hoisted(() => ({ made: 0 }));
vi.mock('../../src/compress/tune.js', async (original) => {
  return {
    ...(await original<object>()),
    tune: async () => {
      tunings.made++;
      throw new TrainingError('The loss is not a finite number.');
    },
  };
});

describe('a plan', () => {
  it('is made where every tuning diverges: the models are judged as they were narrowed', async () => {
    const asked = { budget: 'explained:0.1', retrain: false, tune: 1, split: '60/20/20' } as const;
    const run = twoOfEight({ ...asked, out: join(folder, 'diverging') });
    const { plan } = await runRecommend(run, contextOf(folder));
    expect(tunings.made).toBeGreaterThan(0);
    expect(plan!.tuning?.tried).toBe(tunings.made);
    expect(plan!.verdict).toBe('holds');
  });
});

describe('a judge', () => {
  it('refuses a model whose loss is no number, for no bound can be had of it', async () => {
    const options = { ...RUN_DEFAULTS, ...twoOfEight({ retrain: false, out: join(folder, 'judge') }) };
    const session = await openSession(options, fullContext(contextOf(folder)));
    const halves = halvesOf(session.dataset.splits.select.size, session.options.seed);
    const judge = await createJudge(session, halves, 'relative');
    const { model } = session.loaded;
    const x = tf.input({ batchShape: model.inputs[0].shape });
    const [{ shape }] = model.outputs;
    const broken = tf.model({
      inputs: x,
      outputs: tf.layers.dense({ units: shape[1]! }).apply(x) as tf.SymbolicTensor,
    });
    setWeights(broken, (_, size) => new Float32Array(size.reduce((a, b) => a * b)).fill(Number.POSITIVE_INFINITY));
    try {
      await expect(judge.rows(broken)).rejects.toMatchObject({
        exitCode: 3,
        message: expect.stringContaining('not a finite number') as string,
        hint: expect.stringContaining('--exclude') as string,
      });
    } finally {
      disposeModel(broken);
      await closeSession(session);
    }
  });
});
