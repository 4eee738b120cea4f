/** Columns of text, aligned: words to the left, numbers to the right. Cells are cut to `max` characters. */
export function table(rows: readonly (readonly string[])[], right: readonly number[], max = 32): string[] {
  const cells = rows.map((row) => row.map((cell) => shorten(cell, max)));
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => lengthOf(row[i] ?? ''))));
  return cells.map((row) => {
    const padded = row.map((cell, i) => {
      const space = ' '.repeat((widths[i] ?? 0) - lengthOf(cell));
      return right.includes(i) ? space + cell : cell + space;
    });
    return `  ${padded.join('  ')}`.trimEnd();
  });
}

function shorten(text: string, max: number): string {
  const letters = Array.from(text);
  return letters.length <= max ? text : `${letters.slice(0, max - 3).join('')}...`;
}

/** In characters, not UTF-16 units. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** Breaks a text at spaces into lines of at most `columns` characters, the later ones indented. */
export function wrap(text: string, columns = 80): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (lengthOf(longer) > columns && line !== '') {
      lines.push(line);
      line = `  ${word}`;
    } else line = longer;
  }
  return [...lines, line];
}
