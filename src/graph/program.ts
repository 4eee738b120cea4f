import type * as tf from '@tensorflow/tfjs';

import { ModelError } from '../errors.js';
import { isModelLayer, layerPaths, type ModelLayer } from './container.js';
import { maskSources } from './masking.js';
import type { Entry, Program, Step, Value } from './types.js';

/** Nested models that call nested models twice grow by powers of two; no honest model comes near this. */
const MAX_STEPS = 100_000;

/** Symbolic tensors of one model, or of one call of a nested model, and the values they became. */
type Scope = Map<tf.SymbolicTensor, number>;

interface Compiler {
  readonly paths: ReadonlyMap<tf.layers.Layer, string>;
  readonly values: Value[];
  readonly steps: Omit<Step, 'mask'>[];
  readonly calls: Map<tf.layers.Layer, number>;
  readonly entries: Entry[];
  readonly maxSteps: number;
}

/**
 * Flattens a Sequential or Functional model, nested models included, into a list of steps in topological order. Input layers become
 * values. A shared layer has one step per call.
 * @throws ModelError when a tensor does not come from the model's inputs, or when the model has more layer calls than `maxSteps`.
 */
export function compileProgram(model: tf.LayersModel, maxSteps = MAX_STEPS): Program {
  const compiler: Compiler = {
    paths: layerPaths(model),
    values: [],
    steps: [],
    calls: new Map(),
    entries: [],
    maxSteps,
  };
  const scope: Scope = new Map();
  const inputs = model.inputs.map((tensor) => {
    const value = addValue(compiler, tensor);
    scope.set(tensor, value);
    return value;
  });
  const outputs = model.outputs.map((tensor) => compileTensor(compiler, scope, tensor));
  const steps = maskSources(compiler.values.length, compiler.steps);
  return { values: compiler.values, steps, inputs, outputs, entries: compiler.entries };
}

/** Depth first with an explicit stack: models may be deeper than the call stack. */
function compileTensor(compiler: Compiler, scope: Scope, target: tf.SymbolicTensor): number {
  const pending = [target];
  const open = new Set<tf.SymbolicTensor>();
  while (pending.length > 0) {
    const tensor = pending.at(-1)!;
    if (scope.has(tensor)) {
      pending.pop();
      continue;
    }
    const node = nodeOf(tensor);
    const missing = node.inputTensors.filter((input) => !scope.has(input));
    if (missing.length > 0) {
      if (open.has(tensor)) throw new ModelError(`Layer "${tensor.sourceLayer.name}" is part of a cycle.`);
      open.add(tensor);
      pending.push(...missing.reverse());
      continue;
    }
    if (node.inputTensors.length === 0) {
      throw new ModelError(`Layer "${tensor.sourceLayer.name}" reads an input that is not among the model's inputs.`);
    }
    callNode(compiler, scope, node);
  }
  return scope.get(target)!;
}

type LayerNode = tf.layers.Layer['inboundNodes'][number];

function nodeOf(tensor: tf.SymbolicTensor): LayerNode {
  const node = tensor.sourceLayer.inboundNodes[tensor.nodeIndex];
  if (node === undefined) throw new ModelError(`Layer "${tensor.sourceLayer.name}" has no call ${tensor.nodeIndex}.`);
  return node;
}

function callNode(compiler: Compiler, scope: Scope, node: LayerNode): void {
  const layer = node.outboundLayer;
  const inputs = node.inputTensors.map((tensor) => scope.get(tensor)!);
  if (isModelLayer(layer)) {
    callModel(compiler, scope, node, layer, inputs);
    return;
  }
  if (compiler.steps.length >= compiler.maxSteps) {
    throw new ModelError(
      `The model makes more than ${compiler.maxSteps} layer calls once its nested models are unfolded.`,
    );
  }
  const call = compiler.calls.get(layer) ?? 0;
  compiler.calls.set(layer, call + 1);
  const outputs = node.outputTensors.map((tensor) => {
    const value = addValue(compiler, tensor);
    scope.set(tensor, value);
    return value;
  });
  compiler.steps.push({
    index: compiler.steps.length,
    layer,
    name: compiler.paths.get(layer) ?? layer.name,
    call,
    inputs,
    outputs,
    kwargs: { ...node.callArgs },
  });
}

/** A call of a nested model: its inner graph with the inner inputs standing for the outer values. */
function callModel(compiler: Compiler, scope: Scope, node: LayerNode, model: ModelLayer, inputs: number[]): void {
  const inner: Scope = new Map(model.inputs.map((tensor, i) => [tensor, inputs[i]]));
  model.inputs.forEach((tensor, i) => compiler.entries.push({ layer: tensor.sourceLayer, value: inputs[i] }));
  const outputs = model.outputs.map((tensor) => compileTensor(compiler, inner, tensor));
  node.outputTensors.forEach((tensor, i) => scope.set(tensor, outputs[i]));
}

function addValue(compiler: Compiler, tensor: tf.SymbolicTensor): number {
  const id = compiler.values.length;
  compiler.values.push({ id, shape: tensor.shape.slice(), dtype: tensor.dtype });
  return id;
}
