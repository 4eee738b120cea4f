import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const candidate = process.env['SHARED_DIR'] ?? resolve(import.meta.dirname, '../../shared');

/** Folder of other people's models and data for testing, or undefined where it is absent: such tests skip. */
export const SHARED: string | undefined = existsSync(join(candidate, 'models')) ? candidate : undefined;
