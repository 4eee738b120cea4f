// Compiles src/backend/wasm/assembly into dist/backend/wasm: kernels-relaxed.wasm (fused multiply-add) and kernels-simd.wasm.
import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { createMemoryStream, main } from 'assemblyscript/asc';

const root = resolve(import.meta.dirname, '..');
process.chdir(root);
const target = resolve(root, 'dist/backend/wasm');
// the heap of tfjs' threaded build: shared, up to 65536 pages; nothing of this module may be placed on it
const COMMON = `src/backend/wasm/assembly/index.ts --runtime stub --use abort=
  --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536
  --optimizeLevel 3 --converge --noAssert --enable simd --enable threads --enable bulk-memory`.split(/\s+/);

/** @type {[string, string[]][]} */
const VARIANTS = [
  ['kernels-relaxed.wasm', ['--enable', 'relaxed-simd']],
  ['kernels-simd.wasm', []],
];

await mkdir(target, { recursive: true });
for (const [name, options] of VARIANTS) {
  const file = resolve(target, name);
  const stderr = createMemoryStream();
  const { error } = await main([...COMMON, ...options, '--outFile', file], {
    stderr,
    readFile: (path, base) => readFile(resolve(base, path), 'utf8').catch(() => null),
  });
  if (error) throw new Error(`${name}: ${String(error)}\n${stderr.toString()}`);
  const bytes = await readFile(file);
  if (hasSection(bytes, 11)) throw new Error(`${name} has a data section, which would overwrite tfjs' heap.`);
}

/**
 * Whether a wasm file has a section with that id.
 * @param {Uint8Array} bytes
 * @param {number} id
 */
function hasSection(bytes, id) {
  for (let at = 8; at < bytes.length;) {
    const section = bytes[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 127) << shift;
      more = byte > 127;
    }
    if (section === id) return true;
    at += size;
  }
  return false;
}
