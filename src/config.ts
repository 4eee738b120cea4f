import type { RunOptions } from './pipeline/types.js';

/** What a `tdc.config.*` may say: the options of a run, in camelCase. Paths are taken from the file's own folder. */
export type TdcConfig = Partial<RunOptions>;

/** Gives a configuration written in JavaScript or TypeScript its type. */
export function defineConfig(config: TdcConfig): TdcConfig {
  return config;
}
