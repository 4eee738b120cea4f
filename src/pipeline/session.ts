import { resolve } from 'node:path';

import { startBackend, type StartedBackend } from '../backend/index.js';
import { readDataset } from '../data/dataset.js';
import type { DataSpec } from '../data/spec.js';
import type { Dataset } from '../data/types.js';
import { UsageError } from '../errors.js';
import type { ModelGraph } from '../graph/types.js';
import { disposeModel, loadModel, locateModel, type LoadedModel } from '../model/index.js';
import { SAMPLER_NAMES } from '../layers/index.js';
import { inferObjective } from '../objective/infer.js';
import type { Objective } from '../objective/types.js';
import { tryFolder } from '../records/folders.js';
import type { Doubt, RecordHead } from '../records/types.js';
import { TOOL } from '../version.js';
import { digestOf } from './digest.js';
import { fitOf } from './fit.js';
import { claimFolder } from './folder.js';
import { graphOf } from './read.js';
import { selectGroups, type Selection } from './select.js';
import type { RunContext, RunOptions } from './types.js';

/** Everything a stage works on: loaded, checked, fitted together. */
export interface Session {
  readonly options: RunOptions;
  readonly context: RunContext;
  /** The run folder, absolute. */
  readonly folder: string;
  readonly backend: StartedBackend;
  readonly loaded: LoadedModel;
  readonly graph: ModelGraph;
  readonly selection: Selection;
  readonly dataset: Dataset;
  readonly objective: Objective;
  readonly notes: readonly string[];
  /** Grows by what measuring brings. */
  readonly warnings: Doubt[];
}

/** Loads model and data, starts the backend, decides what is measured. The caller closes the session. */
export async function openSession(options: RunOptions, context: RunContext): Promise<Session> {
  checkOptions(options);
  const backend = await startBackend({
    backend: options.backend,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    return await openOn(backend, options, context);
  } catch (error) {
    await backend.dispose();
    throw error;
  }
}

export async function closeSession(session: Session): Promise<void> {
  disposeModel(session.loaded.model);
  await session.backend.dispose();
}

async function openOn(backend: StartedBackend, options: RunOptions, context: RunContext): Promise<Session> {
  const loaded = await loadModel(await locateModel(options.model, context.cwd));
  try {
    return await fitTogether(backend, loaded, options, context);
  } catch (error) {
    disposeModel(loaded.model);
    throw error;
  }
}

async function fitTogether(
  backend: StartedBackend,
  loaded: LoadedModel,
  options: RunOptions,
  context: RunContext,
): Promise<Session> {
  const folder = await claimFolder(context.cwd, options.out ?? `reports/${loaded.file.name}`, options.force);
  await tryFolder(folder);
  const open = graphOf(loaded);
  const fit = fitOf(open, options.inputShape);
  // a wrong name is told before data is read
  selectGroups(open, options.layers, options.exclude);
  const dataset = await readDataset(specOf(options, context.cwd), fit, {
    seed: options.seed,
    retrain: options.retrain,
    ...(options.examples === undefined ? {} : { examples: options.examples }),
    // a larger array stays in its file, and its rows are read when they are needed
    resident: Math.floor(options.memory / 4),
  });
  const graph = await withSizes(loaded, open, dataset);
  const selection = selectGroups(graph, options.layers, options.exclude);
  const objective = inferObjective({
    target: dataset.target.kind,
    activation: fit.output.activation ?? 'linear',
    units: fit.output.shape.at(-1) ?? 1,
    ...trainedWith(loaded),
    ...(options.loss === undefined ? {} : { loss: options.loss }),
    ...(options.metric === undefined ? {} : { metric: options.metric }),
  });
  const notes = [...loaded.warnings, ...dataset.notes, ...objective.notes];
  const warnings: Doubt[] = [];
  for (const text of [describe(backend), ...backend.notes, ...dataset.notes, ...objective.notes]) {
    context.onEvent({ type: 'note', text });
  }
  for (const text of loaded.warnings) context.onEvent({ type: 'warning', text });
  return { options, context, folder, backend, loaded, graph, selection, dataset, objective, notes, warnings };
}

/** What a model leaves open has the data's size. */
async function withSizes(loaded: LoadedModel, open: ModelGraph, { splits }: Dataset): Promise<ModelGraph> {
  const { program } = open;
  if (program.inputs.every((value) => !program.values[value].shape.slice(1).includes(null))) return open;
  const { inputs } = await splits.select.read(Int32Array.of(0));
  return graphOf(
    loaded,
    inputs.map(({ shape }) => shape.slice(1)),
  );
}

function describe({ info }: StartedBackend): string {
  const threads = info.threads === 1 ? '1 thread' : `${info.threads} threads`;
  return `backend ${info.name} on ${info.device}, ${info.variant}, ${threads}`;
}

/** Ranges of what no later stage checks for itself. */
function checkOptions(options: RunOptions): void {
  if (!SAMPLER_NAMES.some((name) => name === options.sampler)) {
    throw new UsageError(`--sampler must be one of ${SAMPLER_NAMES.join(', ')}, got "${options.sampler}".`);
  }
  requireWhole('workers', options.workers, 1);
  requireWhole('batch-size', options.batchSize, 1);
  requireWhole('epochs', options.epochs, 1);
  requireWhole('grid', options.grid, 2);
  requireWhole('threads', options.threads, 1);
  requireWhole('seed', options.seed, 0);
  if (!(options.learningRate > 0 && Number.isFinite(options.learningRate))) {
    throw new UsageError(`--learning-rate must be a number above 0, got ${options.learningRate}.`);
  }
}

function requireWhole(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw new UsageError(`--${name} must be a whole number of at least ${least}, got ${value}.`);
}

/** The data entry with its paths absolute; flags go over what it says. */
function specOf({ data, target, scale, split }: RunOptions, cwd: string): DataSpec {
  const flags = {
    ...(target === undefined ? {} : { target }),
    ...(scale === undefined ? {} : { scale }),
    ...(split === undefined ? {} : { split: typeof split === 'string' ? split : [...split] }),
  };
  const entry = typeof data === 'string' ? { path: data } : data;
  const paths = Object.fromEntries(
    Object.entries(entry).filter(([key]) => ['path', 'train', 'select', 'report'].includes(key)),
  ) as Record<string, string>;
  const absolute = Object.fromEntries(Object.entries(paths).map(([key, path]) => [key, resolve(cwd, path)]));
  return { ...entry, ...absolute, ...flags };
}

/** The loss a model was compiled with: a name, or one that all outputs share. */
function trainedWith({ file }: LoadedModel): { trainedWith?: string } {
  const config = file.trainingConfig as { loss?: unknown } | undefined;
  return typeof config?.loss === 'string' ? { trainedWith: config.loss } : {};
}

/** The shared head of a record; `inputs` is the digest of everything its stage depended on. */
export function headOf<Schema extends string>(
  session: Session,
  schema: Schema,
  inputs: string,
): RecordHead & { readonly schema: Schema } {
  const { options, backend, loaded, graph, dataset, objective, notes, warnings } = session;
  const { train, select, report } = dataset.splits;
  return {
    schema,
    version: 1,
    tool: TOOL,
    inputs,
    seed: options.seed,
    backend: backend.info,
    model: { name: loaded.file.name, digest: loaded.file.digest, ...graph.cost(new Map()) },
    data: {
      name: dataset.name,
      digest: dataset.digest,
      examples: { train: train.size, select: select.size, report: report.size },
    },
    loss: { name: objective.loss, unit: objective.unit },
    metrics: objective.metrics,
    notes: [...notes],
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
  };
}

/** What every stage depends on: weights, data, what is measured, groups, seed, backend with its variant, version. */
export function stageDigest(session: Session, stage: string, more: unknown): string {
  const { loaded, dataset, objective, selection, options, backend } = session;
  const { notes: _, ...measured } = objective;
  const groups = selection.groups.map(({ name, n }) => ({ name, n }));
  const { name, device, variant } = backend.info;
  const base = { tool: TOOL, model: loaded.file.digest, data: dataset.digest, measured, groups, seed: options.seed };
  return digestOf({ stage, ...base, backend: { name, device, variant }, more });
}
