import type { RunContext } from '../pipeline/types.js';
import { manifest } from './manifest.js';
import type { World } from './world.js';

/** Everything that the library must not read for itself: clocks, folders, the machine. */
export function createContext(world: World, onEvent: RunContext['onEvent'], signal: AbortSignal): RunContext {
  return {
    cwd: world.cwd,
    command: ['tdc', ...world.argv].map(quote).join(' '),
    now: world.now,
    startedAt: world.date().toISOString(),
    machine: world.machine(),
    versions: { ...world.versions, '@tensorflow/tfjs': manifest().dependencies['@tensorflow/tfjs'] ?? '' },
    onEvent,
    signal,
  };
}

/** As a shell would need it to run again. */
function quote(word: string): string {
  return /^[\w./:=,@%+-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
