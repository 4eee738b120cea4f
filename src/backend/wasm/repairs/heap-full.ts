import { BackendError } from '../../../errors.js';
import type { WasmModule } from '../host.js';

const ADDRESS_SPACE = 2 ** 32;
/** Room for what C++ allocates between tensors, and for the heap's own rounding. */
const SLACK = 2 ** 20;

/**
 * Fault: wasm's malloc near 4 GiB either answers address 0 or, worse, wraps around to the heap's beginning; tfjs
 * writes the tensor there, over the heap's own records. Here such a request is refused before malloc sees it.
 */
export function repairHeapFull(wasm: WasmModule): void {
  // Emscripten's stubs put the real functions into the module at their first call, over what stands there
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc.bind(wasm);
  const free = wasm._free.bind(wasm);
  const live = new Map<number, number>();
  let highest = 0;
  wasm._malloc = (bytes) => {
    if (highest + bytes + SLACK > ADDRESS_SPACE && !hasGap(live, bytes + SLACK)) throw full(bytes);
    const address = malloc(bytes) >>> 0;
    if ((address === 0 && bytes > 0) || address + bytes > wasm.wasmMemory.buffer.byteLength) throw full(bytes);
    live.set(address, bytes);
    highest = Math.max(highest, address + bytes);
    return address;
  };
  wasm._free = (address) => {
    live.delete(address >>> 0);
    free(address);
  };
}

/** Whether some stretch between (or above) the live blocks holds that many bytes. */
function hasGap(live: ReadonlyMap<number, number>, bytes: number): boolean {
  let end = 0;
  for (const [address, size] of [...live].sort((a, b) => a[0] - b[0])) {
    if (address - end >= bytes) return true;
    end = Math.max(end, address + size);
  }
  return ADDRESS_SPACE - end >= bytes;
}

function full(bytes: number): BackendError {
  return new BackendError(
    `The wasm backend's memory of 4 GiB is full: there is no room for ${Math.ceil(bytes / 2 ** 20)} MiB more.`,
    { hint: 'Use a smaller --batch-size.' },
  );
}
