import * as tf from '@tensorflow/tfjs';

/** Fault (cpu): the backend prints an advertisement on stderr when it is first used in Node. */
export function repairCpuBanner(): void {
  const cpu = tf.engine().findBackend('cpu') as unknown as { firstUse?: boolean } | null;
  if (cpu !== null) cpu.firstUse = false;
}
