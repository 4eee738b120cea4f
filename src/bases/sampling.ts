import { activate } from '../objective/judge.js';
import type { Objective, Outputs } from '../objective/types.js';
import type { Random } from '../random/index.js';

/**
 * Targets drawn from what the model itself predicts: gradients towards them give the Fisher matrix, which does not vanish where the model is
 * right about everything (Kunstner, Hennig & Balles 2019 on why the labels of the data don't do).
 *
 * @param outputs final numbers of the model; logits where the link is softmax or sigmoid
 * @returns numbers of the same shape: a class drawn from the softmax, 0 or 1 from the sigmoid, the output plus a normal number (squared
 * error) or plus or minus 1 (absolute error)
 */
export function sampleTargets(objective: Objective, outputs: Outputs, random: Random): Float32Array {
  switch (objective.loss) {
    case 'meanSquaredError':
      return activate(objective, outputs).map((value) => value + random.normal());
    case 'meanAbsoluteError':
      return activate(objective, outputs).map((value) => value + (random.uniform() < 0.5 ? -1 : 1));
    case 'categoricalCrossentropy':
    case 'kullbackLeibler':
    case 'binaryCrossentropy':
      return objective.link === 'sigmoid' ? drawBits(objective, outputs, random) : drawClasses(outputs, random);
  }
}

function drawBits(objective: Objective, outputs: Outputs, random: Random): Float32Array {
  return activate(objective, outputs).map((probability) => (random.uniform() < probability ? 1 : 0));
}

function drawClasses(outputs: Outputs, random: Random): Float32Array {
  const { values, units } = outputs;
  const drawn = new Float32Array(values.length);
  for (let offset = 0; offset < values.length; offset += units)
    drawn[offset + drawClass(values, offset, units, random)] = 1;
  return drawn;
}

function drawClass(logits: Float32Array, offset: number, units: number, random: Random): number {
  let top = -Infinity;
  for (let u = offset; u < offset + units; u++) top = Math.max(top, logits[u]);
  let total = 0;
  for (let u = offset; u < offset + units; u++) total += Math.exp(logits[u] - top);
  let left = random.uniform() * total;
  for (let u = 0; u < units; u++) {
    left -= Math.exp(logits[offset + u] - top);
    if (left < 0) return u;
  }
  return units - 1;
}
