import { beforeAll, describe, expect, it } from 'vitest';

import type { DoctorRecord } from '../../src/backend/doctor/types.js';
import { diagnose } from '../../src/backend/index.js';
import { findPackage } from '../../src/backend/packages.js';

const now = (): number => performance.now();

describe('diagnose', () => {
  let record: DoctorRecord;
  const asked: string[] = [];
  const onBackend = (name: string): number => asked.push(name);

  beforeAll(async () => {
    record = await diagnose({ tool: 'test', now, backends: ['webgpu', 'wasm', 'cpu'], threads: 1, onBackend });
  }, 120_000);

  it('goes through the backends in the order given and chooses the first that auto would take', () => {
    expect(asked).toEqual(['webgpu', 'wasm', 'cpu']);
    expect(record).toMatchObject({ schema: 'tdc/doctor', version: 1, tool: 'test', chosen: 'wasm' });
    expect(record.backends.map(({ name }) => name)).toEqual(asked);
  });

  it.each(['wasm', 'cpu'])('starts %s, checks its gradients and times a matMul', (name) => {
    const backend = record.backends.find((candidate) => candidate.name === name)!;
    expect(backend).toMatchObject({ available: true, device: 'cpu', gradientCheck: { failed: 0, failures: [] } });
    expect(backend.threads).toBe(1);
    expect(backend.gradientCheck.cases).toBeGreaterThanOrEqual(20);
    expect(backend.repairs).toContain('dilated-convolution');
    expect(backend.matmulGflops).toBeGreaterThan(0);
    expect(backend).not.toHaveProperty('reason');
  });

  it.runIf(findPackage(['webgpu']) === undefined)('says why a backend is missing and what to do', () => {
    expect(record.backends[0]).toMatchObject({
      available: false,
      device: null,
      reason: expect.stringContaining('webgpu'),
      hint: expect.stringContaining('npm install'),
      matmulGflops: null,
    });
  });

  it('takes a backend that does not answer in time for missing', async () => {
    const late = await diagnose({ tool: 'test', now, backends: ['cpu'], timeoutMs: 1 });
    expect(late.chosen).toBeNull();
    expect(late.backends[0]).toMatchObject({ available: false, reason: expect.stringContaining('0.001 s') });
  });
});
