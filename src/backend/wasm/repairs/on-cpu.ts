import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

import { replaceKernel } from '../kernel.js';
import type { Info } from '../kernel.js';

/** Runs a kernel as the cpu backend would, on copies of the values. */
export function runOnCpu(kernelName: string): void {
  const config = tf.getKernel(kernelName, 'cpu') as tf.KernelConfig | undefined;
  if (config === undefined) throw new Error(`The cpu backend has no ${kernelName}.`);
  replaceKernel(kernelName, 'wasm', () => (inputs, attributes, backend) => {
    const cpu = tf.engine().findBackend('cpu') as unknown as BackendWasm & { firstUse?: boolean };
    // at its first use it would print an advertisement
    cpu.firstUse = false;
    const copies = Object.entries(inputs).map(([name, x]): [string, Info] => {
      return [name, { ...x, dataId: cpu.write(backend.readSync(x.dataId), x.shape, x.dtype) }];
    });
    const call = { inputs: Object.fromEntries(copies), attrs: attributes, backend: cpu };
    const result = config.kernelFunc(call as unknown as Parameters<tf.KernelFunc>[0]) as Info;
    const out = { ...result, dataId: backend.write(cpu.readSync(result.dataId), result.shape, result.dtype) };
    for (const [, copy] of copies) cpu.disposeData(copy.dataId);
    cpu.disposeData(result.dataId);
    return out;
  });
}
