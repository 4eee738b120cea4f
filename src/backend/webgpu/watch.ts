import * as tf from '@tensorflow/tfjs';

import { BackendError } from '../../errors.js';

interface WatchedBackend {
  readonly device: {
    addEventListener(type: 'uncapturederror', listener: (event: { error: { message: string } }) => void): void;
  };
  read(dataId: object): Promise<unknown>;
}

const watched = new WeakSet<WatchedBackend>();

/**
 * A shader that does not compile does not throw: its op yields zeros. From here on such an error makes every later
 * read of results fail, so that no number computed with it gets out.
 */
export function abortOnShaderErrors(): void {
  const backend = tf.backend() as unknown as WatchedBackend;
  if (watched.has(backend)) return;
  watched.add(backend);
  let failure: BackendError | undefined;
  backend.device.addEventListener('uncapturederror', ({ error }) => {
    failure ??= new BackendError(`WebGPU failed: ${error.message.split('\n')[0] ?? ''}`, {
      hint: 'Use the wasm backend; this driver cannot run one of the kernels.',
    });
  });
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    const values = await read(dataId);
    if (failure !== undefined) throw failure;
    return values;
  };
}
