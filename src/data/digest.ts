import { createHash } from 'node:crypto';

import type { Assigned } from './assign.js';
import { contentHash } from './hash.js';
import { ROLES } from './plan.js';
import type { NumericArray } from './raw.js';
import type { FittedInput } from './scaling.js';
import type { Targets } from './target.js';
import { isStoredTarget, TARGET_LABEL } from './target-scan.js';

/**
 * sha256 of contents, dtypes, fitted shapes, scaling, target, split and seed.
 *
 * @param contents digests of the inputs of each file in order
 */
export function digestOf(
  contents: readonly string[],
  inputs: readonly FittedInput[],
  targets: Targets | undefined,
  rows: Assigned,
  seed: number,
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([inputs, targets?.kind ?? 'self', targets?.labels ?? [], seed]));
  const ofTargets = (targets?.arrays ?? []).map((target) =>
    isStoredTarget(target) ? target.digest : digestValues(TARGET_LABEL, target.shape, target.values),
  );
  hash.update(JSON.stringify([contents, ofTargets]));
  for (const role of ROLES) {
    const entry = rows[role];
    if (entry !== undefined) hash.update(digestValues(role, [entry.part, entry.rows.length], entry.rows));
  }
  return `sha256:${hash.digest('hex')}`;
}

function digestValues(label: string, shape: readonly number[], values: NumericArray): string {
  const hash = contentHash(label, shape);
  hash.add(values);
  return hash.finish();
}
