import type { Program } from '../graph/types.js';

export interface MemoryOptions {
  /** Bytes that tensors of a sweep may take, beside the model and the data. */
  readonly memory: number;
}

export const MEMORY_DEFAULTS: MemoryOptions = { memory: 2 ** 31 };

/** More rows at once are no faster. */
const MOST_ROWS = 2000;
/** Rows that are read at once whatever they take, memory allowing. */
const FEW_ROWS = 500;
/** Beyond them, what rows make should stay inside a processor's caches. */
const CHUNK_BYTES = 2 ** 24;
/** Answers that fill a matrix multiplication: widths are stacked until a batch has about so many. */
const FULL_BATCH = 4000;

/**
 * Rows read and judged at once: as many as fit into a quarter of the memory with everything one example makes on its way.
 *
 * @returns 1..2000
 */
export function rowsOf(program: Program, { memory }: MemoryOptions): number {
  const bytes = bytesPerRow(program);
  const wanted = Math.min(MOST_ROWS, Math.max(FEW_ROWS, Math.floor(CHUNK_BYTES / bytes)));
  return Math.max(1, Math.min(wanted, Math.floor(memory / 4 / bytes)));
}

/**
 * How many answers go through the rest of the model at once.
 *
 * @returns 1 and up
 */
export function answersOf(program: Program, { memory }: MemoryOptions): number {
  return Math.max(1, Math.min(FULL_BATCH, Math.floor(memory / 2 / bytesPerRow(program))));
}

function bytesPerRow(program: Program): number {
  const all = program.values.map(({ id }) => id);
  return Math.max(1, bytesOf(program, all));
}

/** Bytes of some values of one example; sizes that the model leaves open count as 64. */
export function bytesOf({ values }: Program, ids: readonly number[]): number {
  const sizes = ids.map((id) => values[id].shape.slice(1).reduce<number>((size, n) => size * (n ?? 64), 1));
  return 4 * sizes.reduce((total, size) => total + size, 0);
}
