import { unmarked, withAxis } from './common.js';
import type { LayerCall, Marks } from './types.js';

/** A layer without a rule: what it reads stays as it is, and so does what it makes. */
export function unsupported(call: LayerCall): Marks[] {
  for (const { marks } of call.inputs) {
    for (const units of marks) call.pin(units, `${call.title} reads them, and layers of its class are not followed`);
  }
  const weighted = call.layer.weights.length > 0;
  return call.outputShapes.map((shape, i) => {
    const last = shape.at(-1);
    if (i > 0 || !weighted || shape.length < 2 || last == null) return unmarked(shape);
    const made = call.makes(last);
    call.pin(made, `layers of class ${call.layer.getClassName()} are not followed`);
    return withAxis(unmarked(shape), shape.length - 1, made);
  });
}
