// Compiles src/bases/linalg/assembly into dist/bases/linalg/loops.wasm. The source is AssemblyScript, and bears another ending than .ts so that
// nothing else reads it as TypeScript.
import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { createMemoryStream, main } from 'assemblyscript/asc';

const root = resolve(import.meta.dirname, '..');
process.chdir(root);
const target = resolve(root, 'dist/bases/linalg');
const entry = 'src/bases/linalg/assembly/index.ts';
const options = `${entry} --runtime stub --use abort= --initialMemory 1
  --optimizeLevel 3 --converge --noAssert --enable simd`.split(/\s+/);

await mkdir(target, { recursive: true });
const stderr = createMemoryStream();
const { error } = await main([...options, '--outFile', resolve(target, 'loops.wasm')], {
  stderr,
  readFile: (path, base) =>
    readFile(resolve(base, path === entry ? entry.replace(/ts$/u, 'as') : path), 'utf8').catch(() => null),
});
if (error) throw new Error(`loops.wasm: ${String(error)}\n${stderr.toString()}`);
