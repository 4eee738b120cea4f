import { activate, channelAxis, hidden, pinOthers, places, repeated, unmarked, withAxis } from './common.js';
import { makes, passes, reads, type LayerCall, type Marked, type Marks } from './types.js';

/** Conv1D, Conv2D, Conv3D: kernel [k…, in, out]. */
export function convolution(call: LayerCall): Marks[] {
  const { kernel } = hidden(call.layer);
  const { axis, made, output } = start(call);
  const [input] = call.inputs;
  call.weight(kernel, [...spatial(kernel!.shape.length), reads(input.marks[axis]), makes(made)]);
  call.macs(kernel, places(output, axis));
  return finish(call, output, made);
}

/** Conv2DTranspose, Conv3DTranspose: kernel [k…, out, in], applied at every input position. */
export function transposedConvolution(call: LayerCall): Marks[] {
  const { kernel } = hidden(call.layer);
  const { axis, made, output } = start(call);
  const [input] = call.inputs;
  call.weight(kernel, [...spatial(kernel!.shape.length), makes(made), reads(input.marks[axis])]);
  call.macs(kernel, places(input, axis));
  return finish(call, output, made);
}

/** SeparableConv2D: a depthwise kernel [k, k, in, m] and then a pointwise one [1, 1, in * m, out], nothing between them. */
export function separableConvolution(call: LayerCall): Marks[] {
  const { depthwiseKernel, pointwiseKernel, depthMultiplier = 1 } = hidden(call.layer);
  const { axis, made, output } = start(call);
  const units = call.inputs[0].marks[axis];
  const spread = units === null ? null : repeated(units, depthMultiplier);
  const rank = depthwiseKernel!.shape.length;
  call.weight(depthwiseKernel, [...spatial(rank), passes(units), null]);
  call.weight(pointwiseKernel, [...spatial(rank), reads(spread), makes(made)]);
  call.macs(depthwiseKernel, places(output, axis));
  call.macs(pointwiseKernel, places(output, axis));
  return finish(call, output, made);
}

/**
 * DepthwiseConv2D: kernel [k, k, in, m]; output channel c * m + j comes from input channel c alone, so they go together.
 * The number m is the same for all channels and stays.
 */
export function depthwiseConvolution(call: LayerCall): Marks[] {
  const { depthwiseKernel, bias, depthMultiplier = 1, activation } = hidden(call.layer);
  const axis = channelAxis(call);
  const [input] = call.inputs;
  pinOthers(call, input, [axis], `${call.title} slides over them`);
  const units = input.marks[axis];
  const outputs = units === null ? keptChannels(call, axis) : repeated(units, depthMultiplier);
  if (units !== null) call.filters(outputs);
  call.weight(depthwiseKernel, [null, null, passes(units), null]);
  call.weight(bias, [passes(outputs)]);
  const shape = call.outputShapes[0];
  const marks = withAxis(unmarked(shape), axis, outputs);
  call.macs(depthwiseKernel, places({ shape, marks }, axis));
  return [activate(call, marks, activation)];
}

function keptChannels(call: LayerCall, axis: number): Int32Array {
  const made = call.makes(call.outputShapes[0][axis]!);
  call.pin(made, `it filters one by one the channels of an input that cannot shrink`);
  return made;
}

function start(call: LayerCall): { axis: number; made: Int32Array; output: Marked } {
  const axis = channelAxis(call);
  const shape = call.outputShapes[0];
  const made = call.makes(shape[axis]!);
  call.reads(0, axis);
  pinOthers(call, call.inputs[0], [axis], `${call.title} slides over them`);
  call.size(['filters'], made);
  return { axis, made, output: { shape, marks: withAxis(unmarked(shape), axis, made) } };
}

function finish(call: LayerCall, output: Marked, made: Int32Array): Marks[] {
  const { bias, activation } = hidden(call.layer);
  call.weight(bias, [makes(made)]);
  return [activate(call, output.marks, activation)];
}

function spatial(rank: number): null[] {
  return Array.from({ length: rank - 2 }, () => null);
}
