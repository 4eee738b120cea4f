import { relative } from 'node:path';

import { TdcError } from '../errors.js';
import type { RunResult } from '../pipeline/types.js';
import { hintOf } from './hints.js';
import type { World } from './world.js';

/** How a terminal wants its text. */
export interface TextStyle {
  /** Width in characters. */
  readonly columns: number;
  /** Bars and arrows beyond ASCII. */
  readonly unicode: boolean;
  readonly color: boolean;
}

/** Writes the one result on standard output, and what a person wants to know besides on standard error. */
export interface Printer {
  readonly json: boolean;
  readonly style: TextStyle;
  /** The command's result: the record with --json, else the text. */
  result(record: unknown, text: (style: TextStyle) => string): void;
  wrote(result: Pick<RunResult, 'folder' | 'files'>): void;
  next(command: string, says: string): void;
  note(text: string): void;
  error(error: unknown): void;
}

/** Exit code where a gate fails though all was done. */
export const GATE_FAILED = 5;

const DEFAULT_COLUMNS = 80;
const LABEL = 7;

export function createPrinter(world: World, { json, quiet }: { json: boolean; quiet: boolean }): Printer {
  const style = textStyle(world);
  const aside = (label: string, text: string): void => {
    if (!quiet) world.stderr.write(`${label.padEnd(LABEL)}${text}\n`);
  };
  return {
    json,
    style,
    result: (record, text) => {
      world.stdout.write(json ? `${JSON.stringify(record, null, 2)}\n` : `${text(style).trimEnd()}\n`);
    },
    wrote: ({ folder, files }) => aside('wrote', filesText(shortPath(world.cwd, folder), files)),
    next: (command, says) => aside('next', `${command}  ${says}`),
    note: (text) => {
      if (!quiet) world.stderr.write(`${text}\n`);
    },
    error: (error) => {
      const { code, message, hint } = describeError(error);
      if (json) world.stdout.write(`${JSON.stringify({ error: { code, message, hint } }, null, 2)}\n`);
      world.stderr.write(errorText(error, message, hint));
    },
  };
}

function textStyle({ env, stdout }: World): TextStyle {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((name) => name !== undefined && name !== '');
  const dumb = env['TERM'] === 'dumb';
  const noColor = (env['NO_COLOR'] ?? '') !== '';
  const forced = (env['FORCE_COLOR'] ?? '') !== '' && env['FORCE_COLOR'] !== '0';
  return {
    columns: stdout.columns || DEFAULT_COLUMNS,
    unicode: !dumb && (locale === undefined || /utf-?8/iu.test(locale)),
    color: !noColor && !dumb && (forced || stdout.isTTY === true),
  };
}

/** As a person would type it: relative where that is inside the current folder. */
function shortPath(cwd: string, path: string): string {
  const inside = relative(cwd, path);
  return inside === '' ? '.' : inside.startsWith('..') ? path : inside;
}

function filesText(folder: string, files: readonly string[]): string {
  const room = DEFAULT_COLUMNS - LABEL - folder.length - '/{, and 99 more}'.length;
  const shown: string[] = [];
  for (const file of files) {
    if ([...shown, file].join(',').length > room) break;
    shown.push(file);
  }
  const more = files.length - shown.length;
  if (files.length === 1) return folder === '.' ? (files[0] ?? '') : `${folder}/${files[0]}`;
  return `${folder}/{${shown.join(',')}}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What scripts get to know of an error. */
export function describeError(error: unknown): {
  code: string;
  message: string;
  hint: string | null;
  exitCode: number;
} {
  if (error instanceof TdcError) {
    return { code: error.code, message: error.message, hint: hintOf(error), exitCode: error.exitCode };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'unexpected',
    message,
    hint: 'This is a bug in tdc; the stack on standard error says where.',
    exitCode: 1,
  };
}

/** An expected error is a message and a way out; an unexpected one is its stack. */
function errorText(error: unknown, message: string, hint: string | null): string {
  if (error instanceof TdcError) return `error  ${message}\n${hint === null ? '' : `${'hint'.padEnd(LABEL)}${hint}\n`}`;
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return `${stack}\n${'hint'.padEnd(LABEL)}This is a bug in tdc. Please report it with the lines above.\n`;
}
