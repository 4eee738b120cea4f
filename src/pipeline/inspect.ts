import { startBackend } from '../backend/index.js';
import { disposeModel, loadModel, locateModel, type LoadedModel } from '../model/index.js';
import type { InspectRecord } from '../records/types.js';
import { TOOL } from '../version.js';
import { graphOf } from './read.js';
import type { RunContext, RunOptions } from './types.js';

/** What can shrink and what can't, of a model alone: no data is read and nothing is written. */
export async function runInspect(options: Pick<RunOptions, 'model'>, context: RunContext): Promise<InspectRecord> {
  const backend = await startBackend({ backend: 'cpu' });
  try {
    const loaded = await loadModel(await locateModel(options.model, context.cwd));
    try {
      return inspectRecord(loaded);
    } finally {
      disposeModel(loaded.model);
    }
  } finally {
    await backend.dispose();
  }
}

function inspectRecord(loaded: LoadedModel): InspectRecord {
  const { file, warnings } = loaded;
  const graph = graphOf(loaded);
  return {
    schema: 'tdc/inspect',
    version: 1,
    tool: TOOL,
    model: { name: file.name, digest: file.digest, ...graph.cost(new Map()) },
    layers: graph.layers,
    groups: graph.groups.map(({ name, n, layers, tailPoints }) => ({
      name,
      n,
      layers,
      tailPoints: tailPoints.map((point) => point.name),
      smallest: graph.cost(new Map([[name, 1]])),
      full: graph.cost(new Map([[name, n]])),
    })),
    skipped: graph.skipped,
    repairs: [...file.repairs, ...warnings],
  };
}
