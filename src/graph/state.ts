import type * as tf from '@tensorflow/tfjs';

interface Cell {
  call(inputs: tf.Tensor[], kwargs: Record<string, unknown>): tf.Tensor | tf.Tensor[];
}

/** Recurrent cells of a layer: one, two in a Bidirectional, none in other layers. */
export function cellsOf(layer: tf.layers.Layer): Cell[] {
  const parts = layer as { cell?: Cell; forwardLayer?: { cell?: Cell }; backwardLayer?: { cell?: Cell } };
  return [parts.cell, parts.forwardLayer?.cell, parts.backwardLayer?.cell].filter((cell) => cell !== undefined);
}

/**
 * Runs `body` while every cell of the layer reads its state [B, units] through the tap. Only the hidden state (the first) feeds the
 * recurrent kernel; an LSTM's cell state acts unit by unit and needs none.
 */
export function withStateTap<T>(layer: tf.layers.Layer, tap: (state: tf.Tensor) => tf.Tensor, body: () => T): T {
  const cells = cellsOf(layer);
  for (const cell of cells) {
    const call = cell.call.bind(cell);
    cell.call = ([input, state, ...others], kwargs) => call([input, tap(state), ...others], kwargs);
  }
  try {
    return body();
  } finally {
    // Uncovers the class's own method again.
    for (const cell of cells) Reflect.deleteProperty(cell, 'call');
  }
}
