/** Names that a configuration is looked for by, the first wins. */
export const CONFIG_FILES: readonly string[] = [
  'tdc.config.json',
  'tdc.config.js',
  'tdc.config.mjs',
  'tdc.config.ts',
  'package.json',
];
