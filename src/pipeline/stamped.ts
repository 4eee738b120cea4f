import { join } from 'node:path';

import { DataError } from '../errors.js';
import type { ModelGraph } from '../graph/types.js';
import { disposeModel, loadModel, locateModel, type LoadedModel } from '../model/index.js';
import type { EpochRecord } from '../records/types.js';
import { graphLike } from './read.js';
import type { Session } from './session.js';

/** What a model that this run wrote says of itself. */
export interface Stamp {
  readonly role: string;
  readonly inputs: string;
  readonly history?: readonly EpochRecord[];
}

/** What a run wrote into a model of its own; undefined: it wrote nothing. */
export function stampOf({ userDefinedMetadata }: LoadedModel['file']): Stamp | undefined {
  return (userDefinedMetadata as { taildropout?: Stamp } | undefined)?.taildropout;
}

/** A model that this run made before; refused where it is of another run. */
export async function graphFrom(session: Session, name: string, inputs: string): Promise<ModelGraph> {
  return (await stampedFrom(session, name, inputs)).graph;
}

/** As {@link graphFrom}, with what the model says of itself. */
export async function stampedFrom(
  session: Session,
  name: string,
  inputs: string,
): Promise<{ readonly graph: ModelGraph; readonly stamp: Stamp }> {
  const { model, file } = await loadModel(await locateModel(join(session.folder, name)));
  const stamp = stampOf(file);
  if (stamp?.inputs !== inputs) {
    disposeModel(model);
    throw new DataError(`${name} is of another run.`);
  }
  return { graph: graphLike(model, session.graph), stamp };
}
