import { z } from 'zod';

import { UsageError } from '../errors.js';

const FORMATS = ['csv', 'npz', 'npy', 'json', 'idx'] as const;

/** What a data file is read as. */
export type DataFormat = (typeof FORMATS)[number];

const numbers = z.union([z.number(), z.array(z.number()).min(1)]);

const shared = {
  /** Told by the file's name and first bytes when absent. */
  format: z.enum(FORMATS).optional(),
  /** Columns of a table to read, in this order, or the names of the arrays, one per model input. */
  inputs: z.array(z.string().min(1)).min(1).optional(),
  /** Name of the column or array that holds the target, or `self`: the original model's own outputs. */
  target: z.string().min(1).optional(),
  /** Name of the column or array whose equal values go together into one split. */
  groupBy: z.string().min(1).optional(),
  /** Every input value is multiplied by this. */
  scale: z.number().optional(),
  /** Subtracted after scaling: one number, or one per feature (position of the last axis). */
  mean: numbers.optional(),
  /** Divides after `mean`: one number, or one per feature. */
  std: numbers.optional(),
};

const oneFile = z.strictObject({
  path: z.string().min(1),
  ...shared,
  /** Shares of train, select and report that sum to 100 or to 1: `[60, 20, 20]` or `60/20/20`. */
  split: z.union([z.string(), z.array(z.number())]).optional(),
});

const ownFiles = z.strictObject({
  train: z.string().min(1),
  select: z.string().min(1).optional(),
  report: z.string().min(1).optional(),
  ...shared,
});

/** Shape of the `data` entry of a configuration, for validating it with the rest. */
export const dataSpecSchema = z.union([z.string().min(1), oneFile, ownFiles]);

/** A path; one file or folder with options; or files of their own for the splits. */
export type DataSpec = z.infer<typeof dataSpecSchema>;
export type OneFileSpec = z.infer<typeof oneFile>;
export type OwnFilesSpec = z.infer<typeof ownFiles>;

/** What the data must fit, read off the model by whoever has it (this room knows no model). */
export interface ModelFit {
  readonly inputs: readonly {
    readonly name: string;
    /** Batch first; null where the model leaves a size open. */
    readonly shape: readonly (number | null)[];
    readonly dtype: string;
    /** Where an Embedding reads the input: its number of rows. Such inputs are indices, never scaled. */
    readonly indexRange?: number;
  }[];
  /** Of the first output. `activation` in tfjs words: `softmax`, `sigmoid`, `linear`, … */
  readonly output: { readonly shape: readonly (number | null)[]; readonly activation?: string };
  /** How many outputs the model has. */
  readonly outputs: number;
  /** The model begins with a Rescaling layer, so it takes pixels as they are. */
  readonly firstLayerRescales: boolean;
  /** Sizes for the first input where the model leaves them open, with or without the batch. */
  readonly inputShape?: readonly number[];
}

export interface ReadOptions {
  /** Seed of the cut. */
  readonly seed: number;
  /** False: data without splits of its own is cut 0/50/50. */
  readonly retrain: boolean;
  /** Most examples of a split, drawn by the seed; default all. */
  readonly examples?: number;
  /**
   * Bytes; an array of an uncompressed npy, npz or idx file that is larger stays in its file, and rows are read from there when
   * asked for. 256 MiB unless told; above 1 GiB it is the same as 1 GiB.
   */
  readonly resident?: number;
  /** Most bytes read at a time from arrays that stay in their file, 16 MiB unless told. */
  readonly block?: number;
}

/** Shares of train, select and report; they sum to 1. */
export type Shares = readonly [train: number, select: number, report: number];

/** Checks a specification as it comes from a configuration. Throws UsageError. */
export function checkSpec(spec: DataSpec): OneFileSpec | OwnFilesSpec {
  if (typeof spec === 'string') return { path: spec };
  const kind = 'train' in spec ? ownFiles : oneFile;
  const result = kind.safeParse(spec);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = ['data', ...issue.path].join('.');
  throw new UsageError(`The data entry is not right at ${where}: ${issue.message}.`, {
    hint: 'Give {path, format?, inputs?, target?, groupBy?, scale?, mean?, std?, split?} or {train, select?, report?}.',
  });
}

/** Reads `60/20/20`, `[60, 20, 20]` or `[0.6, 0.2, 0.2]`. Throws UsageError. */
export function parseShares(split: string | readonly number[]): Shares {
  const parts = typeof split === 'string' ? split.split('/').map(readShare) : [...split];
  const sum = parts.reduce((a, b) => a + b, 0);
  const whole = Math.abs(sum - 100) < 1e-9 || Math.abs(sum - 1) < 1e-9;
  if (parts.length !== 3 || !whole || !parts.every((share) => share >= 0)) {
    const received = typeof split === 'string' ? split : split.join('/');
    throw new UsageError(
      `A split is three shares of 0 or more, of train, select and report, that sum to 100; received '${received}'.`,
      { hint: 'For example 60/20/20.' },
    );
  }
  return [parts[0] / sum, parts[1] / sum, parts[2] / sum];
}

function readShare(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
