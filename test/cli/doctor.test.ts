import { describe, expect, it } from 'vitest';

import type { BackendDiagnosis, DoctorRecord } from '../../src/backend/doctor/types.js';
import { tdc } from './world.js';

const WASM: BackendDiagnosis = {
  name: 'wasm',
  available: true,
  device: 'cpu',
  variant: 'simd',
  threads: 2,
  repairs: [],
  notes: [],
  gradientCheck: { cases: 30, failed: 0, failures: [] },
  matmulGflops: 23.46,
};
const TENSORFLOW: BackendDiagnosis = {
  ...WASM,
  name: 'tensorflow',
  available: false,
  device: null,
  variant: null,
  reason: 'Its package is not installed.',
  hint: 'Install it.',
  matmulGflops: null,
};

const record = (backends: readonly BackendDiagnosis[], chosen: DoctorRecord['chosen']): DoctorRecord => ({
  schema: 'tdc/doctor',
  version: 1,
  tool: 'taildropout 0.1.0',
  backends,
  chosen,
});

const doctor = (result: DoctorRecord) => ({ loadDoctor: async () => ({ diagnose: async () => result }) });

describe('tdc doctor', () => {
  it('prints a line per backend, why one does not work, and what auto takes', async () => {
    const { code, stdout } = await tdc(['doctor'], doctor(record([TENSORFLOW, WASM], 'wasm')));
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        '  backend     works  device     threads  gradients  matMul',
        '  tensorflow  no',
        '  wasm        yes    cpu, simd        2  30 right   23.5 GFLOP/s',
        '',
        'tensorflow: Its package is not installed.',
        'tensorflow: Install it.',
        '--backend auto takes wasm.',
        '',
      ].join('\n'),
    );
  });

  it('prints the record with --json', async () => {
    const result = record([TENSORFLOW, WASM], 'wasm');
    expect(JSON.parse((await tdc(['doctor', '--json'], doctor(result))).stdout)).toEqual(result);
  });

  it.each([
    ['no backend works', record([TENSORFLOW], null), 4],
    [
      'the chosen one has a wrong gradient',
      record([{ ...WASM, gradientCheck: { cases: 30, failed: 1, failures: ['relu'] } }], 'wasm'),
      5,
    ],
    [
      'another one has a wrong gradient',
      record([WASM, { ...WASM, name: 'cpu', gradientCheck: { cases: 30, failed: 1, failures: ['relu'] } }], 'wasm'),
      0,
    ],
  ])('ends with the right exit code where %s', async (_, result, exitCode) => {
    expect((await tdc(['doctor'], doctor(result))).code).toBe(exitCode);
  });
});
