/** Whether a line may move on this stream. One that does not know its width (0 columns) makes a spinner count endless lines. */
export function canMove(
  { isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTTY === true && columns !== undefined && columns > 0 && env['TERM'] !== 'dumb';
}
