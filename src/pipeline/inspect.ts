import { startBackend } from '../backend/index.js';
import { graphSvg, inspectGraph } from '../graph/index.js';
import type { ModelGraph } from '../graph/types.js';
import { disposeModel, loadModel, locateModel, type LoadedModel } from '../model/index.js';
import type { InspectRecord } from '../records/types.js';
import { TOOL } from '../version.js';
import { graphOf } from './read.js';
import { fullContext, type RunContext, type RunOptions } from './types.js';

/** What inspecting a model gives. */
export interface Inspected {
  readonly record: InspectRecord;
  /** The graph with its groups in colour. */
  readonly svg: string;
}

/** What can shrink and what can't, of a model alone: no data is read and nothing is written. */
export async function runInspect(
  options: Pick<RunOptions, 'model'>,
  partial: Partial<RunContext> = {},
): Promise<Inspected> {
  const context = fullContext(partial);
  const backend = await startBackend({ backend: 'cpu' });
  try {
    const loaded = await loadModel(await locateModel(options.model, context.cwd));
    try {
      const graph = graphOf(loaded);
      return { record: inspectRecord(loaded, graph), svg: graphSvg(graph) };
    } finally {
      disposeModel(loaded.model);
    }
  } finally {
    await backend.dispose();
  }
}

function inspectRecord(loaded: LoadedModel, graph: ModelGraph): InspectRecord {
  const { file, warnings } = loaded;
  const { groups, skipped, smallest, largest } = inspectGraph(graph);
  return {
    schema: 'tdc/inspect',
    version: 1,
    tool: TOOL,
    model: { name: file.name, digest: file.digest, ...largest },
    layers: graph.layers,
    groups,
    smallest,
    skipped,
    repairs: [...file.repairs, ...warnings],
  };
}
