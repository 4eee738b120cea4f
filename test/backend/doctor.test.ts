import { describe, expect, it } from 'vitest';

import { diagnose } from '../../src/backend/index.js';
import { findPackage } from '../../src/backend/packages.js';

const now = (): number => performance.now();

describe('diagnose', () => {
  it.each(['cpu', 'wasm'] as const)('starts %s, checks its gradients and times a matMul', async (name) => {
    const record = await diagnose({ tool: 'test', now, backends: [name] });
    expect(record).toMatchObject({ schema: 'tdc/doctor', version: 1, tool: 'test', chosen: name });
    const [backend] = record.backends;
    expect(backend).toMatchObject({ name, available: true, device: 'cpu', gradientCheck: { failed: 0, failures: [] } });
    expect(backend.gradientCheck.cases).toBeGreaterThanOrEqual(20);
    expect(backend.repairs).toContain('dilated-convolution');
    expect(backend.matmulGflops).toBeGreaterThan(0);
    expect(backend).not.toHaveProperty('reason');
  });

  it.runIf(findPackage(['webgpu']) === undefined)('says why a backend is missing and what to do', async () => {
    const record = await diagnose({ tool: 'test', now, backends: ['webgpu', 'cpu'] });
    expect(record.chosen).toBe('cpu');
    expect(record.backends[0]).toMatchObject({
      available: false,
      device: null,
      reason: expect.stringContaining('webgpu'),
      hint: expect.stringContaining('npm install'),
      matmulGflops: null,
    });
  });

  it('takes a backend that does not answer in time for missing, and leaves no process behind', async () => {
    const record = await diagnose({ tool: 'test', now, backends: ['cpu'], timeoutMs: 1 });
    expect(record.chosen).toBeNull();
    expect(record.backends[0]).toMatchObject({ available: false, reason: expect.stringContaining('0.001 s') });
  });
});
