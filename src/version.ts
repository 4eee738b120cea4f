import { createRequire } from 'node:module';

const { name, version } = createRequire(import.meta.url)('../package.json') as { name: string; version: string };

/** Name and version of this package, as they stand in every record: "taildropout 0.1.0". */
export const TOOL = `${name} ${version}`;
