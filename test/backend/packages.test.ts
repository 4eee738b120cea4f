import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import util from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { diagnose, startBackend } from '../../src/backend/index.js';
import { findPackage } from '../../src/backend/packages.js';
import { TENSORFLOW_PACKAGES } from '../../src/backend/tensorflow/index.js';
import { BackendError } from '../../src/errors.js';

const HERE = process.cwd();
const INSTALLED = findPackage(TENSORFLOW_PACKAGES) !== undefined;
let project = '';

/** Puts a package into the node_modules of the folder where the command runs. */
function install(name: string, code: string): string {
  const folder = join(project, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '4.22.0', main: 'index.js' }));
  writeFileSync(join(folder, 'index.js'), code);
  return folder;
}

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'tdc-packages-'));
  process.chdir(project);
});

afterEach(() => {
  process.chdir(HERE);
  rmSync(project, { recursive: true });
});

describe.skipIf(INSTALLED)("a TensorFlow package of the user's project", () => {
  it('is found in the folder where the command runs, the GPU one first', () => {
    install('@tensorflow/tfjs-node', '');
    expect(findPackage(TENSORFLOW_PACKAGES)?.name).toBe('@tensorflow/tfjs-node');
    install('@tensorflow/tfjs-node-gpu', '');
    expect(findPackage(TENSORFLOW_PACKAGES)?.name).toBe('@tensorflow/tfjs-node-gpu');
  });

  it('that does not load is an error when named (reason, cure, exit 4), a note in auto', async () => {
    install('@tensorflow/tfjs-node-gpu', 'throw new Error("tfjs_binding.node can not be found\\nmore");');
    const refusal = await startBackend({ backend: 'tensorflow' }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(BackendError);
    expect(refusal).toMatchObject({
      exitCode: 4,
      message: '@tensorflow/tfjs-node-gpu is installed but does not load: tfjs_binding.node can not be found',
      hint: expect.stringContaining('Install it again'),
    });
    const started = await startBackend({ backend: 'auto' });
    expect(started.info.name).toBe('wasm');
    expect(started.notes.join(' ')).toContain('tensorflow was passed over: @tensorflow/tfjs-node-gpu is installed but');
    await started.dispose();
  });

  it('that brings a second tfjs-core is refused before it is loaded', async () => {
    const folder = install('@tensorflow/tfjs-node', 'globalThis.loadedSecondCopy = true;');
    const core = join(folder, 'node_modules/@tensorflow/tfjs-core');
    mkdirSync(core, { recursive: true });
    writeFileSync(join(core, 'index.js'), '');
    await expect(startBackend({ backend: 'tensorflow' })).rejects.toThrow(/its own copy of @tensorflow\/tfjs-core/);
    expect(globalThis).not.toHaveProperty('loadedSecondCopy');
  });

  it('finds the two functions that Node 23 took out of util', async () => {
    const old = { isNullOrUndefined: undefined, isArray: undefined };
    Object.assign(util, old);
    install(
      '@tensorflow/tfjs-node',
      'const util = require("util"); throw new Error([util.isNullOrUndefined(null), util.isNullOrUndefined(0), util.isArray([])].join());',
    );
    await expect(startBackend({ backend: 'tensorflow' })).rejects.toThrow('true,false,true');
  });

  it('that crashes takes nobody along when it is diagnosed', async () => {
    install('@tensorflow/tfjs-node', 'process.kill(process.pid, "SIGILL");');
    const record = await diagnose({ tool: 'test', now: () => performance.now(), backends: ['tensorflow', 'wasm'] });
    expect(record.backends[0]).toMatchObject({ available: false, reason: 'Its native code crashed (SIGILL).' });
    expect(record.chosen).toBe('wasm');
  });
});
