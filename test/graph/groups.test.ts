import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { UsageError } from '../../src/errors.js';
import { compileProgram, detailOf, readGraph, type ModelGraph } from '../../src/graph/index.js';
import { disposeModel } from '../../src/model/index.js';

const { layers } = tf;
type Tensor = tf.SymbolicTensor;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function one(layer: tf.layers.Layer, input: Tensor | Tensor[]): Tensor {
  return layer.apply(input) as Tensor;
}

function dense(name: string, units: number, input: Tensor, activation: 'relu' | 'softmax' = 'relu'): Tensor {
  return one(layers.dense({ name, units, activation }), input);
}

/** Reads the graph of a model that is built on an input of 4 numbers. */
function graphOf(body: (input: Tensor) => Tensor | Tensor[], shape: number[] = [4]): ModelGraph {
  const input = tf.input({ shape, name: 'input' });
  const model = tf.model({ inputs: input, outputs: body(input) });
  const graph = readGraph(model);
  disposeModel(model);
  return graph;
}

function names(graph: ModelGraph): string[] {
  return graph.groups.map(({ name, n }) => `${name} ${n}`);
}

function reasons(graph: ModelGraph): Record<string, string> {
  return Object.fromEntries(graph.skipped.map(({ layer, reason }) => [layer, reason]));
}

describe('what ties widths together', () => {
  it('makes every writer of a residual stream one group', () => {
    const graph = graphOf((input) => {
      const stream = dense('entry', 6, input);
      const first = one(layers.add({}), [stream, dense('b', 6, dense('a', 3, stream))]);
      const second = one(layers.add({}), [first, dense('d', 6, dense('c', 5, first))]);
      return dense('out', 2, second);
    });
    expect(names(graph)).toEqual(['entry 6', 'a 3', 'c 5']);
    expect(graph.groups[0].producers).toEqual(['entry', 'b', 'd']);
    expect(graph.groups[0].tailPoints.map(({ name }) => name)).toEqual(['before a', 'before c', 'before out']);
  });

  it('cuts a width at the seams of a concatenation that it is added to', () => {
    const graph = graphOf((input) => {
      const joined = one(layers.concatenate({}), [dense('a', 3, input), dense('b', 2, input)]);
      return dense('out', 2, one(layers.add({}), [joined, dense('c', 5, input)]));
    });
    expect(graph.groups.map(({ name, n, producers }) => [name, n, producers])).toEqual([
      ['a', 3, ['a', 'c']],
      ['b', 2, ['b', 'c']],
    ]);
    expect([...graph.groups[1].tailPoints[0].units!]).toEqual([-1, -1, -1, 0, 1]);
  });

  it('ties the calls of a shared layer, counts its parameters once and its multiply-adds per call', () => {
    const shared = layers.dense({ name: 'shared', units: 5, useBias: false });
    const graph = graphOf((input) => {
      const [left, right] = [dense('left', 3, input), dense('right', 3, input)];
      return dense('out', 2, one(layers.concatenate({}), [one(shared, left), one(shared, right)]));
    });
    expect(graph.groups.map(({ name, n, producers }) => [name, n, producers])).toEqual([
      ['left', 3, ['left', 'right']],
      ['shared', 5, ['shared']],
    ]);
    expect(graph.layers.find(({ name }) => name === 'shared')).toMatchObject({ parameters: 15, macs: 30 });
    expect(graph.groups[0].tailPoints.map(({ name }) => name)).toEqual([
      'before shared (call 1)',
      'before shared (call 2)',
    ]);
  });

  it('names the layers of nested models by their path', () => {
    const inner = tf.sequential({
      name: 'inner',
      layers: [layers.dense({ name: 'hidden', units: 6, inputShape: [4] })],
    });
    const graph = graphOf((input) => dense('out', 2, one(inner, input)));
    expect(names(graph)).toEqual(['inner/hidden 6']);
    expect(graph.layers.map(({ name }) => name)).toContain('inner/hidden');
  });

  it('puts the tail point before a Flatten, where a mask is one number a channel', () => {
    const graph = graphOf(
      (input) => {
        const conv = one(layers.conv2d({ name: 'conv', filters: 3, kernelSize: 1 }), input);
        const flat = one(layers.dropout({ rate: 0.5 }), one(layers.flatten({ name: 'flat' }), conv));
        return [dense('a', 2, flat), dense('b', 2, flat)];
      },
      [4, 4, 2],
    );
    const { tailPoints, consumers } = graph.groups[0];
    expect(tailPoints.map(({ name, axis, units }) => [name, axis, units])).toEqual([['before flat', 3, null]]);
    expect(tailPoints[0].consumers).toEqual(consumers);
  });

  it('leaves the tail point behind an activation that does not keep zero', () => {
    const graph = graphOf(
      (input) => {
        const conv = one(layers.conv2d({ name: 'conv', filters: 3, kernelSize: 1 }), input);
        const flat = one(layers.flatten({ name: 'flat' }), conv);
        return dense('out', 2, one(layers.activation({ activation: 'sigmoid' }), flat));
      },
      [2, 2, 2],
    );
    expect(graph.groups[0].tailPoints.map(({ name }) => name)).toEqual(['before out']);
    expect([...graph.groups[0].tailPoints[0].units!]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });
});

describe('what cannot shrink is listed with the reason', () => {
  const cases: readonly {
    readonly title: string;
    readonly body: (input: Tensor) => Tensor | Tensor[];
    readonly shape?: number[];
    readonly skipped: Readonly<Record<string, RegExp>>;
  }[] = [
    {
      title: "the model's output, also through a softmax behind it",
      body: (input) => one(layers.softmax(), dense('out', 3, input)),
      skipped: { out: /model's output/ },
    },
    {
      title: 'a hidden layer that is also an output',
      body: (input) => {
        const hidden = dense('hidden', 3, input);
        return [hidden, dense('out', 2, hidden)];
      },
      skipped: { hidden: /model's output/, out: /model's output/ },
    },
    {
      title: 'a layer that is added to the input',
      body: (input) => dense('out', 2, one(layers.add({ name: 'sum' }), [input, dense('tied', 4, input)])),
      skipped: { tied: /"sum" \(Add\) ties them to features that cannot shrink/ },
    },
    {
      title: 'LayerNormalization',
      body: (input) => dense('out', 2, one(layers.layerNormalization({ name: 'norm' }), dense('hidden', 5, input))),
      skipped: { hidden: /"norm" \(LayerNormalization\) normalises over its features/ },
    },
    {
      title: 'a hidden softmax',
      body: (input) => dense('out', 2, dense('hidden', 5, input, 'softmax')),
      skipped: { hidden: /softmax in layer "hidden" \(Dense\) works on all of its features together/ },
    },
    {
      title: 'a layer of one unit',
      body: (input) => dense('out', 2, dense('thin', 1, input)),
      skipped: { thin: /one unit/ },
    },
    {
      title: 'features that become positions',
      body: (input) =>
        one(
          layers.conv2d({ name: 'conv', filters: 2, kernelSize: 2 }),
          one(layers.reshape({ name: 'image', targetShape: [3, 3, 1] }), dense('pixels', 9, input)),
        ),
      skipped: { pixels: /"image" \(Reshape\) turns them into positions/ },
    },
    {
      title: 'a layer without a rule, and what feeds it',
      body: (input) => {
        const sequence = one(layers.reshape({ targetShape: [2, 2, 2, 1] }), dense('hidden', 8, input));
        return dense(
          'out',
          2,
          one(layers.flatten(), one(layers.convLstm2d({ name: 'cl', filters: 2, kernelSize: 1 }), sequence)),
        );
      },
      skipped: { hidden: /positions/, cl: /class ConvLSTM2D are not followed/ },
    },
    {
      title: 'depthwise filters on the input itself',
      body: (input) =>
        one(
          layers.conv2d({ name: 'conv', filters: 2, kernelSize: 1 }),
          one(layers.depthwiseConv2d({ name: 'dw', kernelSize: 1 }), input),
        ),
      shape: [3, 3, 4],
      skipped: { dw: /channels of an input that cannot shrink/ },
    },
    {
      title: 'features that a Masking layer looks at',
      body: (input) =>
        one(layers.lstm({ name: 'rnn', units: 2 }), one(layers.masking({ name: 'mask' }), dense('hidden', 3, input))),
      shape: [5, 4],
      skipped: { hidden: /"mask" \(Masking\)/ },
    },
    {
      title: 'a gate of one feature that is spread over others',
      body: (input) =>
        dense('out', 2, one(layers.multiply({ name: 'scale' }), [dense('hidden', 3, input), dense('gate', 1, input)])),
      skipped: { gate: /spreads its one feature|one unit/ },
    },
  ];
  it.each(cases)('$title', ({ body, shape, skipped }) => {
    const graph = graphOf(body, shape);
    const found = reasons(graph);
    for (const [layer, reason] of Object.entries(skipped)) {
      expect(found[layer]).toMatch(reason);
      expect(graph.groups.flatMap(({ producers }) => producers)).not.toContain(layer);
    }
  });

  it('and every layer that makes features is either in a group or in that list', () => {
    const graph = graphOf((input) => {
      const hidden = one(layers.layerNormalization({}), dense('a', 3, input));
      return dense('c', 2, dense('b', 5, hidden));
    });
    const grouped = graph.groups.flatMap(({ producers }) => producers);
    expect([...grouped, ...graph.skipped.map(({ layer }) => layer)].sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('models that strangers made', () => {
  it('refuses nested models that unfold without bound', () => {
    let model: tf.LayersModel = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] });
    for (let depth = 0; depth < 6; depth++) {
      const input = tf.input({ shape: [2] });
      const once = model.apply(input) as Tensor;
      model = tf.model({ inputs: input, outputs: model.apply(once) as Tensor });
    }
    expect(compileProgram(model, 64).steps).toHaveLength(64);
    expect(() => compileProgram(model, 63)).toThrow(/more than 63 layer calls/);
    disposeModel(model);
  });

  it('does not follow features through shapes of absurd size', () => {
    const graph = graphOf((input) => {
      const long = one(layers.repeatVector({ n: 1e9 }), dense('hidden', 3, input));
      const flat = one(layers.flatten({ name: 'flat' }), long);
      const again = one(layers.reshape({ targetShape: [1e9, 3] }), flat);
      return dense('out', 2, one(layers.globalMaxPooling1d(), again));
    });
    expect(reasons(graph)['hidden']).toMatch(/"flat" \(Flatten\) cannot be followed/);
  });
});

describe('cost', () => {
  it('counts bytes as the source stores each weight', () => {
    const input = tf.input({ shape: [4] });
    const model = tf.model({ inputs: input, outputs: dense('out', 2, dense('hidden', 5, input)) });
    const halves = readGraph(model, { bytesPerWeight: 2 });
    const mixed = readGraph(model, { bytesPerWeight: new Map([['hidden/kernel', 1]]) });
    expect(halves.cost(new Map()).bytes).toBe(2 * (25 + 12));
    expect(mixed.cost(new Map([['hidden', 3]])).bytes).toBe(4 * 3 + 4 * (3 + 8));
    disposeModel(model);
  });

  it.each([
    ['an unknown group', 'nothing', 1],
    ['a negative width', 'hidden', -1],
    ['a width beyond n', 'hidden', 6],
    ['a fraction', 'hidden', 1.5],
  ])('refuses %s', (_, name, width) => {
    const graph = graphOf((input) => dense('out', 2, dense('hidden', 5, input)));
    expect(() => graph.cost(new Map([[name, width]]))).toThrow(UsageError);
  });

  it('takes sizes that the model leaves open from the caller', () => {
    const input = tf.input({ shape: [null, 4] });
    const model = tf.model({ inputs: input, outputs: one(layers.lstm({ units: 3 }), input) });
    expect(readGraph(model).cost(new Map()).macs).toBe(4 * 12 + 3 * 12);
    expect(readGraph(model, { inputShapes: [[10, 4]] }).cost(new Map()).macs).toBe(10 * (4 * 12 + 3 * 12));
    expect(() => readGraph(model, { inputShapes: [[10, 5]] })).toThrow(UsageError);
    disposeModel(model);
  });
});

describe('detailOf', () => {
  it('knows only graphs that readGraph made', () => {
    const graph = graphOf((input) => dense('out', 2, input));
    expect(detailOf(graph).grouping.groups).toBe(graph.groups);
    expect(() => detailOf({ ...graph })).toThrow(UsageError);
  });
});
