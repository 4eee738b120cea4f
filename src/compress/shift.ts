import * as tf from '@tensorflow/tfjs';

/** What a layer does otherwise for a while. */
export interface LayerChange {
  /** Stands for its kernel. */
  readonly kernel?: tf.Tensor;
  /** Added to the features it makes, before its activation. */
  readonly shift?: Float64Array;
}

interface Activation {
  apply(tensor: tf.Tensor): tf.Tensor;
  getClassName(): string;
}

type Readable = Pick<tf.LayerVariable, 'read'>;

/** Fields of tfjs layers that its typings hide. */
interface Fields {
  activation?: Activation | null;
  kernel?: Readable;
  readonly depthwiseKernel?: Readable;
  readonly pointwiseKernel?: Readable;
  readonly dataFormat?: string;
}

/** Of a TimeDistributed those of what it wraps. */
function fieldsOf(layer: tf.layers.Layer): Fields {
  const isWrapped = layer.getClassName() === 'TimeDistributed';
  return (isWrapped ? (layer as unknown as { readonly layer: unknown }).layer : layer) as Fields;
}

export function isRecurrent(layer: tf.layers.Layer): boolean {
  return 'cell' in layer || 'forwardLayer' in layer;
}

/**
 * What a layer's kernel makes of a constant input, all taps together, by plain loops in float64.
 * @param inputs per input feature
 * @param change what is changed already: its kernel is taken, its shift added
 * @returns per feature made
 */
export function constantShift(layer: tf.layers.Layer, inputs: Float32Array, change: LayerChange): Float64Array {
  const { kernel, depthwiseKernel, pointwiseKernel } = fieldsOf(layer);
  const isSeparable = pointwiseKernel != null && depthwiseKernel != null;
  const isTransposed = layer.getClassName().endsWith('Transpose');
  const made = isSeparable
    ? mixed(pointwiseKernel.read(), perChannel(depthwiseKernel.read(), inputs), false)
    : mixed(change.kernel ?? kernel!.read(), inputs, isTransposed);
  return made.map((value, i) => value + (change.shift?.[i] ?? 0));
}

/** A depthwise kernel [.., in, m]: each channel becomes m. */
function perChannel(kernel: tf.Tensor, inputs: Float32Array): Float64Array {
  const m = kernel.shape.at(-1)!;
  const made = new Float64Array(inputs.length * m);
  kernel.dataSync().forEach((weight, at) => {
    const out = at % made.length;
    made[out] += weight * inputs[Math.floor(out / m)];
  });
  return made;
}

/** A kernel [.., in, out], or [.., out, in] of a transposed convolution. */
function mixed(kernel: tf.Tensor, inputs: ArrayLike<number>, isTransposed: boolean): Float64Array {
  const values = kernel.dataSync();
  const [before, last] = kernel.shape.slice(-2);
  const made = new Float64Array(isTransposed ? before : last);
  for (let at = 0; at < values.length; at++) {
    const [row, column] = [Math.floor(at / last) % before, at % last];
    if (isTransposed) made[row] += values[at] * inputs[column];
    else made[column] += values[at] * inputs[row];
  }
  return made;
}

/**
 * Runs `body` while layers are changed; they are put back whatever happens.
 * @param bare layers whose activation is left out where they are given a shift
 */
export function withChanges<T>(
  changes: ReadonlyMap<tf.layers.Layer, LayerChange>,
  bare: ReadonlySet<tf.layers.Layer>,
  body: () => T,
): T {
  const own = [...changes].map(([layer, change]) => {
    const fields = fieldsOf(layer);
    const { kernel, activation } = fields;
    if (change.kernel !== undefined) fields.kernel = { read: () => change.kernel! };
    if (change.shift !== undefined) fields.activation = shifted(fields, change.shift, bare.has(layer));
    const former = { ...('kernel' in fields ? { kernel } : {}), activation };
    return { fields, former };
  });
  try {
    return body();
  } finally {
    for (const { fields, former } of own) Object.assign(fields, former);
  }
}

function shifted({ activation, dataFormat }: Fields, shift: Float64Array, isBare: boolean): Activation {
  const values = Float32Array.from(shift);
  return {
    apply: (tensor) => {
      const axis = dataFormat === 'channelsFirst' ? tensor.rank - 3 : tensor.rank - 1;
      const shape = tensor.shape.map((_, i) => (i === axis ? values.length : 1));
      const sum = tf.add(tensor, tf.tensor(values, shape));
      return activation == null || isBare ? sum : activation.apply(sum);
    },
    // a name that no kernel fuses, and none that is left out once more
    getClassName: () => 'shifted',
  };
}
