import { z } from 'zod';

import { ModelError } from '../errors.js';
import { quote } from './json.js';
import type { Json } from './json.js';

/** How a weight lies on disk where that is not its own type. uint8 and uint16: value = q * scale + min. */
export interface Quantization {
  readonly dtype: QuantizationType;
  readonly min?: number;
  readonly scale?: number;
}

export type QuantizationType = 'uint8' | 'uint16' | 'float16';

export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly quantization?: Quantization;
  /** Bytes on disk of one value: 1, 2 or 4. */
  readonly bytesPerValue: number;
  /** Number of values: the product of the shape. */
  readonly size: number;
  /** Weights of the optimiser are skipped. */
  readonly optimizer: boolean;
}

export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly WeightSpec[];
  /** What the shards of the group must hold together. */
  readonly bytes: number;
}

const BYTES = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 } as const;

const weightSchema = z.object({
  name: z.string().min(1),
  shape: z.array(z.number().int().nonnegative()).max(16),
  dtype: z.string(),
  group: z.string().optional(),
  quantization: z
    .object({
      dtype: z.string(),
      min: z.number().optional(),
      scale: z.number().optional(),
      original_dtype: z.string().optional(),
    })
    .nullish(),
});
const manifestSchema = z.array(z.object({ paths: z.array(z.string().min(1)), weights: z.array(weightSchema) }));

/**
 * Reads the `weightsManifest` of a model.
 * @throws ModelError for a missing or ill-formed manifest, types that cannot be used, and sizes that overflow.
 */
export function parseManifest(path: string, json: Json | undefined): WeightGroup[] {
  if (json === undefined || json === null) {
    throw new ModelError(`${path} has no weightsManifest: without weights there is nothing to measure.`, {
      hint: 'Save the whole model: model.save() in TensorFlow.js, or save_keras_model in Python.',
    });
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ModelError(
      `${path}: weightsManifest${issue === undefined ? '' : ` at ${issue.path.join('.')}`} is ill-formed (${issue?.message ?? 'unknown'}).`,
    );
  }
  return parsed.data.map(({ paths, weights }) => {
    const specs = weights.map((weight) => weightSpec(path, weight));
    const bytes = specs.reduce((sum, spec) => sum + spec.size * spec.bytesPerValue, 0);
    if (!Number.isSafeInteger(bytes))
      throw new ModelError(`${path}: a weight group of ${bytes} bytes is declared, which no file can hold.`);
    return { paths, weights: specs, bytes };
  });
}

function weightSpec(path: string, weight: z.infer<typeof weightSchema>): WeightSpec {
  const { name, shape, dtype } = weight;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new ModelError(
      `${path}: weight ${quote(name)} is of type ${quote(dtype)}; float32, int32 or bool is expected.`,
      {
        hint: 'Cast the model to float32 before it is converted.',
      },
    );
  }
  const size = shape.reduce((product, side) => product * side, 1);
  if (!Number.isSafeInteger(size))
    throw new ModelError(`${path}: weight ${quote(name)} declares the impossible shape [${shape.join(', ')}].`);
  const quantization =
    weight.quantization === undefined || weight.quantization === null
      ? undefined
      : quantizationOf(path, name, dtype, weight.quantization);
  return {
    name,
    shape,
    dtype,
    ...(quantization === undefined ? {} : { quantization }),
    bytesPerValue: BYTES[quantization?.dtype ?? dtype],
    size,
    optimizer: weight.group === 'optimizer' || name.startsWith('optimizer/'),
  };
}

function quantizationOf(
  path: string,
  name: string,
  dtype: string,
  raw: { dtype: string; min?: number | undefined; scale?: number | undefined },
): Quantization {
  if (raw.dtype === 'float16' && dtype === 'float32') return { dtype: 'float16' };
  if ((raw.dtype === 'uint8' || raw.dtype === 'uint16') && dtype !== 'bool') {
    const { min, scale } = raw;
    if (min === undefined || scale === undefined || !Number.isFinite(min) || !Number.isFinite(scale)) {
      throw new ModelError(`${path}: the ${raw.dtype} quantisation of ${quote(name)} lacks a finite min and scale.`);
    }
    return { dtype: raw.dtype, min, scale };
  }
  throw new ModelError(
    `${path}: weight ${quote(name)} (${dtype}) is quantised as ${quote(raw.dtype)}; uint8, uint16 or float16 (of float32) is expected.`,
  );
}
