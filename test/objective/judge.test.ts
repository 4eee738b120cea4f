import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import type { HostArray } from '../../src/data/types.js';
import { constantLoss } from '../../src/objective/constant.js';
import { inferObjective, type ObjectiveOptions } from '../../src/objective/infer.js';
import { activate, judge } from '../../src/objective/judge.js';
import { mean, paired, standardError, sum } from '../../src/objective/stats.js';
import { softTargets, trainingLoss } from '../../src/objective/training.js';
import type { Outputs } from '../../src/objective/types.js';

/** float32 values judged in float64 against tfjs' float32 losses. */
const FLOAT32 = 1e-5;

const objective = (options: Partial<ObjectiveOptions> & Pick<ObjectiveOptions, 'target'>) =>
  inferObjective({ activation: 'linear', units: 3, ...options });
const outputs = (rows: number, units: number, values: number[]): Outputs => ({
  values: Float32Array.from(values),
  rows,
  units,
});
const logits = outputs(4, 3, [1, 2, -1, 0.5, 0.25, 3, -2, 0, 2, 30, -40, 10]);
const classes: HostArray = { shape: [4], values: Int32Array.from([1, 2, 0, 1]) };
const onehot: HostArray = { shape: [4, 3], values: Float32Array.from([0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0]) };

describe('judge', () => {
  it('gives the cross-entropy that tfjs gives, for labels and for one-hot rows', () => {
    const ours = judge(objective({ target: 'classes' }), logits, classes);
    const same = judge(objective({ target: 'onehot' }), logits, onehot);
    const peer = tf.tidy(() =>
      tf.losses.softmaxCrossEntropy(tf.tensor2d(onehot.values, [4, 3]), tf.tensor2d(logits.values, [4, 3])).dataSync(),
    );
    expect(Math.abs(mean(ours.loss) - peer[0])).toBeLessThan(FLOAT32 * 100);
    expect([...ours.loss]).toEqual([...same.loss]);
  });

  it('does not clip a hopeless answer: 70 nats stay 70 nats', () => {
    expect(judge(objective({ target: 'classes' }), logits, classes).loss[3]).toBeCloseTo(70, 6);
  });

  it('counts right answers and right answers among the best five', () => {
    const judged = judge(objective({ target: 'classes', metric: 'topK' }), logits, classes);
    expect([...judged.metrics['accuracy']]).toEqual([1, 1, 0, 0]);
    expect([...judged.metrics['topK']]).toEqual([1, 1, 1, 1]);
  });

  it('gives binary cross-entropy per unit, as tfjs does', () => {
    const goal: HostArray = { shape: [4, 3], values: Float32Array.from([0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1]) };
    const judged = judge(objective({ target: 'binary', activation: 'sigmoid' }), logits, goal);
    const peer = tf.tidy(() =>
      tf.losses.sigmoidCrossEntropy(tf.tensor2d(goal.values, [4, 3]), tf.tensor2d(logits.values, [4, 3])).dataSync(),
    );
    expect(Math.abs(mean(judged.loss) - peer[0])).toBeLessThan(FLOAT32);
    expect([...judged.metrics['binaryAccuracy']]).toEqual([2 / 3, 2 / 3, 1, 1].map((x) => expect.closeTo(x)));
  });

  it('gives mean squared and mean absolute error over all numbers of a row', () => {
    const goal: HostArray = { shape: [2, 3], values: Float32Array.from([0, 0, 0, 1, 1, 1]) };
    const values = outputs(2, 3, [1, 2, 3, 1, 1, 4]);
    expect([...judge(objective({ target: 'real' }), values, goal).loss]).toEqual([14 / 3, 3]);
    expect([...judge(objective({ target: 'real', loss: 'mae' }), values, goal).loss]).toEqual([2, 1]);
  });

  it.each([
    { activation: 'softmax', loss: 'kullbackLeibler' },
    { activation: 'sigmoid', loss: 'kullbackLeibler' },
    { activation: 'linear', loss: 'meanSquaredError' },
  ])('is 0 for the original itself with target self ($activation: $loss)', ({ activation, loss }) => {
    const goal = objective({ target: 'self', activation });
    expect(goal.loss).toBe(loss);
    for (const value of judge(goal, logits, undefined, logits).loss) expect(Math.abs(value)).toBeLessThan(FLOAT32);
    const other = { ...logits, values: logits.values.map((value) => value / 2) };
    for (const value of judge(goal, other, undefined, logits).loss) expect(value).toBeGreaterThan(0);
  });

  it('takes the mean over the positions of a row', () => {
    const goal = objective({ target: 'classes', units: 3 });
    const twice: HostArray = { shape: [2, 2], values: Int32Array.from([1, 2, 0, 1]) };
    const single = judge(goal, logits, classes).loss;
    const judged = judge(goal, { ...logits, rows: 2 }, twice).loss;
    expect([...judged]).toEqual([(single[0] + single[1]) / 2, (single[2] + single[3]) / 2]);
  });
});

describe('trainingLoss', () => {
  it.each([
    { title: 'cross-entropy', options: { target: 'classes' as const }, goal: classes },
    { title: 'binary', options: { target: 'binary' as const, activation: 'sigmoid' }, goal: onehot },
    { title: 'squared error', options: { target: 'real' as const }, goal: onehot },
    { title: 'absolute error', options: { target: 'real' as const, loss: 'mae' }, goal: onehot },
  ])('is the mean of judge ($title), with the gradient of central differences', ({ options, goal }) => {
    const what = objective(options);
    const targets = softTargets(what, [4, 3], goal);
    const at = (values: Float32Array): number => mean(judge(what, { ...logits, values }, goal).loss);
    const before = tf.memory().numTensors;
    const small = logits.values.map((value) => value / 8 + 0.03);
    const { value, grad } = tf.tidy(() => {
      const result = tf.valueAndGrad((x) => trainingLoss(what, x, tf.tensor2d(targets, [4, 3])))(
        tf.tensor2d(small, [4, 3]),
      );
      return { value: result.value.dataSync()[0], grad: result.grad.dataSync() };
    });
    expect(value).toBeCloseTo(at(small), 5);
    for (let i = 0; i < small.length; i++) {
      const step = 1e-2;
      const up = small.slice();
      const down = small.slice();
      up[i] += step;
      down[i] -= step;
      expect(grad[i]).toBeCloseTo((at(up) - at(down)) / (2 * step), 3);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('with a teacher is half the task and half the divergence, up to the teacher’s entropy', () => {
    const what = objective({ target: 'classes' });
    const teacher = outputs(4, 3, [0, 1, 0, 1, 0, 2, 0, 0, 1, 1, 1, 0]);
    const student = logits.values.map((value) => value / 8);
    const targets = softTargets(what, [4, 3], classes, teacher);
    const ours = tf.tidy(
      () => trainingLoss(what, tf.tensor2d(student, [4, 3]), tf.tensor2d(targets, [4, 3])).dataSync()[0],
    );
    const task = mean(judge(what, { ...logits, values: student }, classes).loss);
    const self = objective({ target: 'self', activation: 'softmax' });
    const divergence = mean(judge(self, { ...logits, values: student }, undefined, teacher).loss);
    const p = activate(self, teacher);
    const entropy = -sum(Float64Array.from(p, (value) => value * Math.log(value))) / 4;
    expect(ours).toBeCloseTo(task / 2 + (divergence + entropy) / 2, 5);
  });
});

describe('constantLoss', () => {
  it('is the entropy of the class shares', () => {
    expect(constantLoss(objective({ target: 'classes' }), classes, 3)).toBeCloseTo(1.5 * Math.log(2), 12);
    expect(constantLoss(objective({ target: 'onehot' }), onehot, 3)).toBeCloseTo(1.5 * Math.log(2), 12);
  });

  it('is the variance for squared error, the distance from the median for absolute error', () => {
    const goal: HostArray = { shape: [4, 1], values: Float32Array.from([0, 0, 0, 4]) };
    expect(constantLoss(objective({ target: 'real', units: 1 }), goal, 1)).toBe(3);
    expect(constantLoss(objective({ target: 'real', units: 1, loss: 'mae' }), goal, 1)).toBe(1);
  });
});

describe('inferObjective', () => {
  it.each([
    { target: 'classes', activation: 'softmax', units: 10, loss: 'categoricalCrossentropy', metric: 'accuracy' },
    { target: 'classes', activation: 'linear', units: 10, loss: 'categoricalCrossentropy', metric: 'accuracy' },
    { target: 'onehot', activation: 'softmax', units: 4, loss: 'categoricalCrossentropy', metric: 'accuracy' },
    { target: 'binary', activation: 'sigmoid', units: 1, loss: 'binaryCrossentropy', metric: 'binaryAccuracy' },
    { target: 'real', activation: 'linear', units: 1, loss: 'meanSquaredError', metric: 'meanAbsoluteError' },
    { target: 'real', activation: 'tanh', units: 3, loss: 'meanSquaredError', metric: 'meanAbsoluteError' },
    { target: 'self', activation: 'softmax', units: 5, loss: 'kullbackLeibler', metric: 'accuracy' },
    { target: 'self', activation: 'linear', units: 5, loss: 'meanSquaredError', metric: 'meanAbsoluteError' },
  ] as const)('$target targets of $units $activation outputs: $loss', ({ target, activation, units, loss, metric }) => {
    const found = inferObjective({ target, activation, units });
    expect(found.loss).toBe(loss);
    expect(found.metrics[0].name).toBe(metric);
  });

  it.each(['sparse_categorical_crossentropy', 'categoricalCrossentropy', 'softmax cross-entropy'])(
    'reads the spelling %s',
    (spelling) => {
      expect(objective({ target: 'classes', loss: spelling }).loss).toBe('categoricalCrossentropy');
    },
  );

  it('says which losses would fit when one is asked for that does not', () => {
    expect(() => objective({ target: 'real', loss: 'categoricalCrossentropy' })).toThrow(/meanSquaredError/);
    expect(() => objective({ target: 'real', loss: 'hinge' })).toThrow(/Unknown loss "hinge"/);
    expect(() => objective({ target: 'real', metric: 'accuracy' })).toThrow(/meanAbsoluteError/);
    expect(() => objective({ target: 'real', metric: 'auc' })).toThrow(/Unknown metric "auc"/);
  });
});

describe('stats', () => {
  it('sums what plain summation loses', () => {
    expect(sum([1, 1e100, 1, -1e100])).toBe(2);
  });

  it('gives the textbook standard error', () => {
    expect(standardError([1, 2, 3, 4])).toBeCloseTo(Math.sqrt(5 / 3 / 4), 14);
    expect(standardError([7])).toBe(0);
  });

  it('pairs row by row: a constant shift has no error', () => {
    const a = Float64Array.from([1, 5, 9]);
    expect(
      paired(
        a.map((value) => value + 0.25),
        a,
      ),
    ).toEqual({ delta: 0.25, deltaSe: 0 });
  });
});
