import { channelAxis, pinOthers, unmarked, withAxis } from './common.js';
import type { LayerCall, Marks } from './types.js';

/** Pooling, padding, cropping, upsampling, resizing: channel by channel. */
export function spatial(call: LayerCall): Marks[] {
  const axis = channelAxis(call);
  pinOthers(call, call.inputs[0], [axis], `${call.title} works along them as positions`);
  return [withAxis(unmarked(call.outputShapes[0]), axis, call.inputs[0].marks[axis])];
}

/** Global pooling [B, …, C] to [B, C]. */
export function globalPooling(call: LayerCall): Marks[] {
  const axis = channelAxis(call);
  pinOthers(call, call.inputs[0], [axis], `${call.title} works along them as positions`);
  return [[null, call.inputs[0].marks[axis]]];
}
