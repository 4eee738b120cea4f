import type { BackendDiagnosis, DoctorRecord } from '../backend/doctor/types.js';
import { clean } from '../report/escape.js';
import { table, wrap } from './table.js';

/** What every backend does here, for a terminal. */
export function doctorText({ backends, chosen }: DoctorRecord): string {
  const head = ['backend', 'works', 'device', 'threads', 'gradients', 'matMul'];
  const lines = [
    ...table([head, ...backends.map(row)], [3]),
    '',
    ...backends.flatMap(remarks).flatMap((text) => wrap(text)),
    chosen === null ? 'No backend works here.' : `--backend auto takes ${chosen}.`,
  ];
  return `${lines.join('\n')}\n`;
}

function row({ name, available, device, variant, threads, gradientCheck, matmulGflops }: BackendDiagnosis): string[] {
  if (!available) return [name, 'no', '', '', '', ''];
  const { cases, failed } = gradientCheck;
  return [
    name,
    'yes',
    clean([device, variant].filter((part) => part !== null).join(', ')),
    String(threads),
    failed === 0 ? `${cases} right` : `${failed} of ${cases} wrong`,
    matmulGflops === null ? '' : `${matmulGflops.toPrecision(3)} GFLOP/s`,
  ];
}

function remarks({ name, reason, hint, notes, gradientCheck }: BackendDiagnosis): string[] {
  const { failures } = gradientCheck;
  const said = [reason, hint, ...notes, failures.length > 0 ? `Wrong gradients: ${failures.join(', ')}.` : undefined];
  return said.filter((text) => text !== undefined).map((text) => `${name}: ${clean(text)}`);
}
