import { env } from 'node:process';
import util from 'node:util';

/**
 * What TensorFlow's packages need before they are loaded. TensorFlow reads its log level from the environment, once;
 * without it every start prints a page on stderr. Node 23 removed two functions of `util` that tfjs-node 4.22 calls
 * (tfjs pull request 8425, never released).
 */
export function prepareEnvironment(): void {
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  const old = util as unknown as Record<string, unknown>;
  old['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
  old['isArray'] ??= Array.isArray;
}
