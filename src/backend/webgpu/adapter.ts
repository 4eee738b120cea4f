import { pathToFileURL } from 'node:url';

import { BackendError } from '../../errors.js';
import type { FoundPackage } from '../packages.js';

export interface Adapter {
  /** Vendor and architecture, as Dawn gives them: "nvidia ampere", "google swiftshader". */
  readonly name: string;
  /** Computes on the CPU. */
  readonly software: boolean;
}

/** The part of WebGPU's types that is used here. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info: { readonly vendor: string; readonly architecture: string; readonly isFallbackAdapter?: boolean };
  } | null>;
}

interface Dawn {
  readonly create: (options: string[]) => Gpu;
  readonly globals: object;
}

const SOFTWARE_RENDERERS = ['swiftshader', 'llvmpipe'];

/**
 * Gives Node a `navigator.gpu` (tfjs' backend looks for it while it is loaded) and asks for the adapter.
 *
 * @throws BackendError when Dawn does not load or finds no adapter
 */
export async function openAdapter(dawn: FoundPackage): Promise<Adapter> {
  const gpu = await createGpu(dawn);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) {
    throw new BackendError('WebGPU finds no adapter: no GPU with a Vulkan, Metal or D3D12 driver.', {
      hint: 'Install the driver of the GPU, or use the wasm backend.',
    });
  }
  const { vendor, architecture, isFallbackAdapter } = adapter.info;
  const software = isFallbackAdapter === true || SOFTWARE_RENDERERS.includes(architecture);
  return { name: [vendor, architecture].filter((word) => word !== '').join(' ') || 'unnamed adapter', software };
}

let created: Gpu | undefined;

async function createGpu(dawn: FoundPackage): Promise<Gpu> {
  if (created !== undefined) return created;
  try {
    const { create, globals } = (await import(pathToFileURL(dawn.file).href)) as Dawn;
    created = create([]);
    Object.assign(globalThis, globals);
    // Node 21 and later have a getter there that assignment does not reach.
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: created }, configurable: true, writable: true });
    return created;
  } catch (error) {
    throw new BackendError(`The package webgpu is installed but does not load: ${String(error)}`, { cause: error });
  }
}
