import type * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import { analyse, type Analysis, type Shapes } from './analyse.js';
import { isModelLayer, layerPaths } from './container.js';
import { costModel, type BytesPerWeight, type CostModel } from './cost.js';
import { groupUnits, type Grouping } from './groups.js';
import { compileProgram } from './program.js';
import type { LayerInfo, ModelGraph, Program } from './types.js';

export interface GraphOptions {
  /** Bytes of one number of a weight as stored; 1 for uint8, 2 for uint16 and float16. */
  readonly bytesPerWeight?: BytesPerWeight;
  /** Sizes without the batch, one list per model input, where the model leaves some open; MACs count open sizes as 1 otherwise. */
  readonly inputShapes?: readonly (readonly number[])[];
}

const GRAPH_DEFAULTS = { bytesPerWeight: 4 } as const;

/** What surgery needs to know beyond the public graph. */
export interface GraphDetail {
  readonly analysis: Analysis;
  readonly grouping: Grouping;
  readonly costs: CostModel;
  /** What the graph was read with. */
  readonly options: GraphOptions;
}

const details = new WeakMap<ModelGraph, GraphDetail>();

/**
 * Reads a model: its steps, which widths can shrink (groups), which cannot and why, and what everything costs.
 * @throws ModelError for a model whose graph cannot be followed; UsageError for input shapes that do not fit.
 */
export function readGraph(model: tf.LayersModel, options: GraphOptions = {}): ModelGraph {
  const program = compileProgram(model);
  const shapes = shapesOf(program, options.inputShapes);
  const analysis = analyse(program, shapes);
  const grouping = groupUnits(analysis);
  const costs = costModel(
    analysis,
    grouping,
    weightKeys(model),
    options.bytesPerWeight ?? GRAPH_DEFAULTS.bytesPerWeight,
    shapes,
  );
  const graph: ModelGraph = {
    model,
    program,
    layers: layerInfos(model, program, shapes, costs),
    groups: grouping.groups,
    skipped: grouping.skipped,
    cost: (widths, changes) => costs.cost(widths, changes),
  };
  details.set(graph, { analysis, grouping, costs, options });
  return graph;
}

/** The analysis behind a graph that `readGraph` made. */
export function detailOf(graph: ModelGraph): GraphDetail {
  const detail = details.get(graph);
  if (detail === undefined) throw new UsageError('This graph does not come from readGraph.');
  return detail;
}

/** Every weight once. */
function weightKeys(model: tf.LayersModel): Map<tf.LayerVariable, string> {
  const keys = new Map<tf.LayerVariable, string>();
  for (const [layer, path] of layerPaths(model)) {
    if (isModelLayer(layer)) continue;
    const prefix = path.slice(0, path.lastIndexOf(layer.name));
    for (const weight of layer.weights) keys.set(weight, prefix + weight.originalName);
  }
  return keys;
}

function shapesOf(program: Program, inputShapes: GraphOptions['inputShapes']): Shapes {
  const shapes: (readonly (number | null)[])[] = program.values.map(({ shape }) => shape);
  if (inputShapes === undefined) return shapes;
  program.inputs.forEach((value, i) => {
    shapes[value] = [null, ...(inputShapes[i] ?? [])];
    checkShape(program.values[value].shape, shapes[value]);
  });
  for (const step of program.steps) {
    const inputs = step.inputs.map((value) => shapes[value].slice());
    const result = step.layer.computeOutputShape(inputs.length === 1 ? inputs[0] : inputs);
    const outputs = (Array.isArray(result[0]) ? result : [result]) as (number | null)[][];
    step.outputs.forEach((value, i) => (shapes[value] = outputs[i]));
  }
  return shapes;
}

function checkShape(expected: readonly (number | null)[], given: readonly (number | null)[]): void {
  const fits = expected.length === given.length && expected.every((size, i) => size === null || size === given[i]);
  if (!fits) {
    const [wanted, got] = [expected, given].map((shape) => JSON.stringify(shape.slice(1)));
    throw new UsageError(`An input of shape ${wanted} was expected, and ${got} was given.`);
  }
}

function layerInfos(model: tf.LayersModel, program: Program, shapes: Shapes, costs: CostModel): LayerInfo[] {
  return [...layerPaths(model)].flatMap(([layer, name]) => {
    if (isModelLayer(layer)) return [];
    const steps = program.steps.filter((step) => step.layer === layer);
    const sizes = layer.weights.map((weight) => weight.shape.reduce<number>((all, size) => all * size!, 1));
    return {
      name,
      className: layer.getClassName(),
      outputShape: steps.length === 0 ? inputShape(layer) : single(steps[0].outputs.map((value) => shapes[value])),
      parameters: sizes.reduce((all, size) => all + size, 0),
      macs: steps.reduce((all, step) => all + costs.stepMacs(step.index), 0),
    };
  });
}

function inputShape(layer: tf.layers.Layer): readonly (number | null)[] {
  return layer.batchInputShape ?? [];
}

function single<T>(list: readonly T[]): T | readonly T[] {
  return list.length === 1 ? list[0] : list;
}
