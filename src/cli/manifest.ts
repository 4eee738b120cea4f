import { readFileSync } from 'node:fs';

/** This package's package.json, as far as the command line needs it. */
export interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Reads package.json, which lies two folders up in the sources and in the built package alike. */
export function manifest(): Manifest {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest;
}
