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

/** Which rows a width changes. */
export interface Changes {
  /** ends[k] = how many columns are summed when k units are kept. */
  readonly ends: Int32Array;
  /**
   * [rows, widths / 32, rounded up]: bit i % 32 of word i / 32 says that the row has a number that is not 0 in what the i-th width adds to
   * the one before it; undefined: every width changes every row.
   */
  readonly bits: Int32Array | undefined;
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
export function* blocksOf(changes: readonly Changes[], options: BlockOptions): Generator<Block> {
  const { ks, rows, answers, columns } = options;
  const bits = unionOf(changes, rows, ks.length);
  for (let start = 0; start < ks.length;) {
    const flags = new Int32Array(rows);
    let [count, total, added] = [0, 0, 0];
    while (start + count < ks.length && count < MOST_WIDTHS) {
      const at = start + count;
      const more = Math.max(...changes.map(({ ends }) => ends[ks[at]] - (at === 0 ? 0 : ends[ks[at - 1]])));
      if (count > 0 && (total + rows / 2 > answers || added + more > columns)) break;
      total += flag(bits, at, ks.length, flags, count);
      added += more;
      count++;
    }
    yield arranged(ks.slice(start, start + count), flags, total, options.by);
    start += count;
  }
}

/** A width changes a row where it changes something in it; undefined: everywhere. */
function unionOf(changes: readonly Changes[], rows: number, widths: number): Int32Array | undefined {
  const own = changes.flatMap(({ bits }) => (bits === undefined ? [] : [bits]));
  if (own.length < changes.length) return undefined;
  if (own.length === 1) return own[0];
  const union = new Int32Array(rows * Math.ceil(widths / 32));
  for (const bits of own) for (let i = 0; i < union.length; i++) union[i] |= bits[i];
  return union;
}

/** Sets bit b of the rows that change at the width with that index. Returns how many they are. */
function flag(bits: Int32Array | undefined, index: number, widths: number, flags: Int32Array, b: number): number {
  const [words, word, shift] = [Math.ceil(widths / 32), index >> 5, index & 31];
  let total = 0;
  for (let row = 0; row < flags.length; row++) {
    const changed = index === 0 || bits === undefined ? 1 : (bits[row * words + word] >> shift) & 1;
    flags[row] |= changed << b;
    total += changed;
  }
  return total;
}

/**
 * The bits of {@link Changes}, on the host.
 *
 * @param values [rows, pixels, channels]
 * @param columns where each column stands in a pixel
 * @param bounds [widths + 1]: the i-th width adds the columns from bounds[i] to bounds[i + 1]
 */
export function changesIn(
  values: Float32Array,
  rows: number,
  channels: number,
  columns: Int32Array,
  bounds: Int32Array,
): Int32Array {
  const [words, size] = [Math.ceil((bounds.length - 1) / 32), values.length / rows];
  const bits = new Int32Array(rows * words);
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * size;
    for (let b = 0; b + 1 < bounds.length; b++) {
      let i = end;
      for (let q = bounds[b]; q < bounds[b + 1] && i >= end; q++) {
        i = row * size + columns[q];
        while (i < end && values[i] === 0) i += channels;
      }
      if (i < end) bits[row * words + (b >> 5)] |= 1 << (b & 31);
    }
  }
  return bits;
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
