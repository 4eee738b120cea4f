import { startBackend } from '../../src/backend/index.js';
import type { BackendName } from '../../src/backend/index.js';

/**
 * Backends that can be had here. TensorFlow's package is optional: where it does not load, its tests are listed as
 * skipped, with the reason in their title.
 */
export const AVAILABLE: readonly { readonly backend: BackendName; readonly skip: boolean; readonly title: string }[] = [
  { backend: 'cpu', skip: false, title: 'cpu' },
  { backend: 'wasm', skip: false, title: 'wasm' },
  await tensorflow(),
];

async function tensorflow(): Promise<(typeof AVAILABLE)[number]> {
  const reason = await startBackend({ backend: 'tensorflow' }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const title = reason === undefined ? 'tensorflow' : `tensorflow (skipped: ${reason})`;
  return { backend: 'tensorflow', skip: reason !== undefined, title };
}
