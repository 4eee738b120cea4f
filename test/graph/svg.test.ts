import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { graphSvg, readGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** TensorFlow.js refuses strange names in a constructor only. */
function draw(name: string): string {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 3, inputShape: [4] }),
      tf.layers.reLU({ name: 'relu' }),
      tf.layers.dense({ name: 'out', units: 2 }),
    ],
  });
  model.layers[0].name = name;
  const svg = graphSvg(readGraph(model));
  disposeModel(model);
  return svg;
}

describe('graphSvg', () => {
  it('draws a box for each call, coloured by the group that it carries, and a legend', () => {
    const svg = draw('hidden');
    const fills = [...svg.matchAll(/<rect x="\d+" y="\d+" width="210"[^>]* fill="([^"]+)"/g)].map(([, fill]) => fill);
    expect(fills).toHaveLength(3);
    expect(fills[0]).toBe(fills[1]);
    expect(fills[2]).not.toBe(fills[0]);
    expect(svg).toContain('hidden: 3');
    expect(svg.match(/<path /g)).toHaveLength(2);
  });

  it('escapes a hostile layer name', () => {
    const svg = draw('"><script>alert(1)</script>&\u0007');
    expect(svg).not.toMatch(/<script/);
    expect(svg).not.toContain('\u0007');
    expect(svg).toContain('&#60;script&#62;');
  });
});
