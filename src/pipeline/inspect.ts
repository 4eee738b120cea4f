import { startBackend } from '../backend/index.js';
import { graphSvg, inspectGraph } from '../graph/index.js';
import type { ModelGraph } from '../graph/types.js';
import { disposeModel, loadModel, locateModel, type LoadedModel } from '../model/index.js';
import type { BackendInfo, InspectRecord } from '../records/types.js';
import { TOOL } from '../version.js';
import { graphOf, inputShapesOf } from './read.js';
import { selectGroups } from './select.js';
import { fullContext, RUN_DEFAULTS, type RunContext, type RunOptions } from './types.js';

/** What inspecting a model gives. */
export interface Inspected {
  readonly record: InspectRecord;
  /** The graph with its groups in colour. */
  readonly svg: string;
}

/** What an inspection is told; the rest has defaults. */
export type InspectInput = Pick<RunOptions, 'model'> &
  Partial<Pick<RunOptions, 'layers' | 'exclude' | 'inputShape' | 'seed'>>;

/**
 * What can shrink and what can't, of a model alone: no data is read and nothing is written.
 *
 * @throws ModelError a model that cannot be read; UsageError a glob that matches no layer, or that leaves none; DataError an
 * `inputShape` that does not fit the model
 */
export async function runInspect(options: InspectInput, partial: Partial<RunContext> = {}): Promise<Inspected> {
  const context = fullContext(partial);
  const backend = await startBackend({ backend: 'cpu' });
  try {
    const loaded = await loadModel(await locateModel(options.model, context.cwd));
    try {
      const { inputShape } = options;
      const graph = graphOf(loaded, inputShape === undefined ? undefined : inputShapesOf(loaded.model, inputShape));
      return { record: inspectRecord(loaded, graph, backend.info, options), svg: graphSvg(graph) };
    } finally {
      disposeModel(loaded.model);
    }
  } finally {
    await backend.dispose();
  }
}

function inspectRecord(
  loaded: LoadedModel,
  graph: ModelGraph,
  backend: BackendInfo,
  { layers = [], exclude = [], seed = RUN_DEFAULTS.seed }: InspectInput,
): InspectRecord {
  const { file, warnings } = loaded;
  // a model that nothing can be taken from is no error here, unless something was asked for
  const isAsked = layers.length > 0 || exclude.length > 0;
  const selected = isAsked ? selectGroups(graph, layers, exclude).groups : graph.groups;
  const { groups, skipped, smallest, largest } = inspectGraph({ ...graph, groups: selected });
  return {
    schema: 'tdc/inspect',
    version: 1,
    tool: TOOL,
    seed,
    backend,
    model: { name: file.name, digest: file.digest, ...largest },
    metrics: [],
    layers: graph.layers,
    groups,
    smallest,
    skipped,
    repairs: [...file.repairs, ...warnings],
  };
}
