/** Some widths of some rows. A row that a further unit adds nothing to answers as before, so it is left out there. */
export interface Block {
  /** Ascending. */
  readonly ks: readonly number[];
  /** Per answer its width, an index of `ks`. */
  readonly widths: Int32Array;
  /** Per answer its row. */
  readonly rows: Int32Array;
  /** Per row: bit b says that it answers at width b. */
  readonly flags: Int32Array;
  /** Per row the place of its first answer; where answers stand by rows only. */
  readonly firsts: Int32Array;
}

/** What decides which rows a width changes. */
export interface Watched {
  /** [rows, pixels, channels] */
  readonly values: Float32Array;
  readonly channels: number;
  readonly columns: Int32Array;
  readonly ends: Int32Array;
  /** Every width changes every row: something else than the columns is added. */
  readonly always: boolean;
}

export interface BlockOptions {
  readonly rows: number;
  readonly ks: readonly number[];
  /** Answers of a block at most, where one width alone has no more. */
  readonly answers: number;
  /** Columns that a block of several widths adds at most. */
  readonly columns: number;
  /** Whether the answers of a row stand together, or those of a width. */
  readonly by: 'rows' | 'widths';
}

/** A row's flags are bits of one word. */
const MOST_WIDTHS = 32;

/** Cuts widths into blocks; the first width changes every row. */
export function* blocksOf(watched: readonly Watched[], options: BlockOptions): Generator<Block> {
  const { ks, rows, answers, columns } = options;
  let kept = -1;
  for (let start = 0; start < ks.length;) {
    const flags = new Int32Array(rows);
    let [count, total, added] = [0, 0, 0];
    while (start + count < ks.length && count < MOST_WIDTHS) {
      const k = ks[start + count];
      const more = Math.max(...watched.map(({ ends }) => ends[k] - (kept < 0 ? 0 : ends[kept])));
      if (count > 0 && (total + rows / 2 > answers || added + more > columns)) break;
      total += flag(watched, kept, k, flags, count);
      added += more;
      kept = k;
      count++;
    }
    yield arranged(ks.slice(start, start + count), flags, total, options.by);
    start += count;
  }
}

/** Sets bit b of the rows that change from `kept` to k units. Returns how many they are. */
function flag(watched: readonly Watched[], kept: number, k: number, flags: Int32Array, b: number): number {
  const bit = 1 << b;
  if (kept < 0 || watched.some(({ always }) => always)) for (let row = 0; row < flags.length; row++) flags[row] |= bit;
  else for (const each of watched) flagNonzero(each, kept, k, flags, bit);
  let total = 0;
  for (let row = 0; row < flags.length; row++) total += (flags[row] >> b) & 1;
  return total;
}

/** Rows in which some column that is added is not 0. */
function flagNonzero(
  { values, channels, columns, ends }: Watched,
  kept: number,
  k: number,
  flags: Int32Array,
  bit: number,
): void {
  const size = values.length / flags.length;
  for (let row = 0; row < flags.length; row++) {
    const end = (row + 1) * size;
    for (let q = ends[kept]; q < ends[k] && (flags[row] & bit) === 0; q++) {
      let i = row * size + columns[q];
      while (i < end && values[i] === 0) i += channels;
      if (i < end) flags[row] |= bit;
    }
  }
}

function arranged(ks: readonly number[], flags: Int32Array, total: number, by: BlockOptions['by']): Block {
  const [widths, rows, firsts] = [new Int32Array(total), new Int32Array(total), new Int32Array(flags.length)];
  let at = 0;
  const put = (row: number, b: number): void => {
    if (((flags[row] >> b) & 1) === 0) return;
    widths[at] = b;
    rows[at++] = row;
  };
  if (by === 'widths') for (const b of ks.keys()) for (let row = 0; row < flags.length; row++) put(row, b);
  else {
    for (let row = 0; row < flags.length; row++) {
      firsts[row] = at;
      for (let b = 0; b < ks.length; b++) put(row, b);
    }
  }
  return { ks, widths, rows, flags, firsts };
}
