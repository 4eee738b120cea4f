/** Bytes of a thread's scratch for `gemmAlike`: a list of columns for each panel of four rows of a packed block. */
export const ALIKE_SCRATCH = 128 + 32 * 256 * 4;

let alike = false;

/** Whether products may expect that neighbouring rows of their left side are zero in the same places. */
export function areRowsAlike(): boolean {
  return alike;
}

/**
 * Tells the products that `body` computes that neighbouring rows are zero in the same places, as the answers of one example at
 * neighbouring widths are behind a relu: products are faster then, and the same.
 */
export function withRowsAlike<T>(body: () => T): T {
  const before = alike;
  alike = true;
  try {
    return body();
  } finally {
    alike = before;
  }
}
