import { z } from 'zod';

import { dataSpecSchema } from '../data/spec.js';
import { UsageError } from '../errors.js';
import type { Given } from './options.js';
import { nearest } from './suggest.js';
import { readValue } from './values.js';

/** What each key expects, for the error message; `data.scale` and the like are keys of the data object. */
const EXPECTS: Readonly<Record<string, string>> = {
  model: 'a path',
  data: 'a path, or an object with a path',
  'data.path': 'a path',
  'data.train': 'a path',
  'data.select': 'a path',
  'data.report': 'a path',
  out: 'a path',
  config: 'a path',
  seed: 'a whole number from 0 to 4294967295',
  backend: 'auto, tensorflow, webgpu, wasm or cpu',
  threads: 'a whole number of at least 1',
  workers: 'a whole number from 1 to 64',
  batchSize: 'a whole number of at least 1',
  layers: 'layer names',
  exclude: 'layer names',
  p: 'a number from 0 to 1',
  kMin: 'a whole number of at least 0',
  epochs: 'a whole number of at least 1',
  learningRate: 'a number above 0',
  train: 'all or selected',
  examples: 'a whole number of at least 10',
  grid: 'a whole number of at least 2',
  memory: 'a size of at least 1MiB, such as 2GiB',
  bases: 'names of orderings',
  mode: 'unit, rank or both',
  axis: 'parameters, macs, bytes or k',
  budget: 'a rise such as 0.01, 1%, abs:0.005, metric:0.005 or explained:0.02',
  minimize: 'parameters, macs, bytes or latency',
  confidence: 'a number above 0.5 and below 1',
  tune: 'a whole number of at least 0',
  roundTo: 'a whole number of at least 1',
  min: 'widths of groups, such as dense_1=8',
  pin: 'widths of groups, such as dense_1=8',
  baseline: 'a path',
  svg: 'a path',
  inputShape: 'whole numbers of at least 1, such as 1,64',
  split: 'three percentages, such as 60/20/20',
  format: 'csv, npz, npy, json or idx',
  scale: 'a number other than 0',
  mean: 'a number, or one per channel',
  std: 'a number other than 0, or one per channel',
  inputs: 'names',
};

const text = z.string().min(1);
const flag = z.boolean();
const whole = (min: number): z.ZodNumber => z.number().int().min(min);
const factor = z.number().refine((x) => x !== 0);
const names = z.union([text.transform((name) => name.split(',').map((part) => part.trim())), z.array(text)]);
const split = z.union([text, z.array(z.number())]);
const [dataPath, dataObject, dataParts] = dataSpecSchema.options;

const SHAPE = {
  model: text,
  data: z.unknown(),
  target: text,
  scale: factor,
  split,
  examples: whole(10),
  out: text,
  force: flag,
  seed: whole(0).max(0xffffffff),
  backend: z.enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu']),
  threads: whole(1),
  workers: whole(1).max(64),
  batchSize: whole(1),
  layers: names,
  exclude: names,
  loss: text,
  metric: text,
  sampler: text,
  p: z.number().min(0).max(1),
  kMin: whole(0),
  epochs: whole(1),
  learningRate: z.number().positive(),
  train: z.enum(['all', 'selected']),
  retrain: flag,
  control: flag,
  distill: flag,
  exact: flag,
  grid: whole(2),
  memory: z.union([text.transform((size) => readValue('size', size)), z.number()]).pipe(z.number().min(2 ** 20)),
  bases: names,
  mode: z.enum(['unit', 'rank', 'both']),
  axis: z.enum(['parameters', 'macs', 'bytes', 'k']),
  budget: z.union([text, z.number()]),
  minimize: z.enum(['parameters', 'macs', 'bytes', 'latency']),
  confidence: z.number().gt(0.5).lt(1),
  tune: whole(0),
  roundTo: whole(1),
  min: z.record(z.string().min(1), whole(1)),
  pin: z.record(z.string().min(1), whole(1)),
  baseline: text,
  strict: flag,
  estimateBatchNorm: flag,
  inputShape: z.array(whole(1)).min(1),
};
const FILE = z.strictObject(SHAPE).partial();
const FLAGS = z.strictObject({ ...SHAPE, config: text, json: flag, quiet: flag, svg: text }).partial();

/** Where a value comes from, and how that place calls a key: `--p`, `TDC_P`, "`p` in tdc.config.json". */
export interface Source {
  readonly kind: 'file' | 'flags';
  readonly name: (key: string) => string;
}

/**
 * Checks what one place says.
 *
 * @throws UsageError one sentence that names the first wrong key, what it expects and what it got
 */
export function check(raw: unknown, source: Source): Given {
  const given = parse(source.kind === 'file' ? FILE : FLAGS, raw, [], source) as Given;
  if (given.data !== undefined) return { ...given, data: checkData(given.data, source) };
  return given;
}

function checkData(data: unknown, source: Source): NonNullable<Given['data']> {
  if (typeof data !== 'object' || data === null) return parse(dataPath, data, ['data'], source) as string;
  return parse('train' in data ? dataParts : dataObject, data, ['data'], source) as NonNullable<Given['data']>;
}

function parse(schema: z.ZodType, raw: unknown, at: readonly string[], source: Source): unknown {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = (issue?.path ?? []).map(String);
  if (issue?.code === 'unrecognized_keys') {
    throw unknownKey(schema, issue.keys[0] ?? '', [...at, ...path], source);
  }
  const received = show(path.reduce(dig, raw));
  const words = [...at, ...path].filter((part) => !/^\d+$/u.test(part));
  const expected = EXPECTS[words.join('.')] ?? EXPECTS[words.at(-1) ?? ''] ?? EXPECTS[words[0] ?? ''] ?? kindOf(issue);
  throw new UsageError(`${source.name(words.join('.'))} expects ${expected}, received ${received}.`);
}

function unknownKey(schema: z.ZodType, key: string, at: readonly string[], source: Source): UsageError {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const near = nearest(key, known);
  const all = known.length <= MOST_KEYS ? { hint: `Keys are ${known.join(', ')}.` } : {};
  return new UsageError(`${source.name([...at, key].join('.'))} is not a known key.`, {
    ...(near === undefined ? all : { hint: `Did you mean ${near}?` }),
  });
}

/** More are no help. */
const MOST_KEYS = 12;

function kindOf(issue: z.core.$ZodIssue | undefined): string {
  return issue?.code === 'invalid_type' && issue.expected === 'boolean' ? 'true or false' : 'a text that is not empty';
}

function dig(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : value;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? typeof value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}
