import { shorten } from './escape.js';
import { plain } from './format.js';

export interface TerminalOptions {
  /** Columns of the terminal; lines are never longer than 80. */
  readonly columns: number;
  /** False: only ASCII. */
  readonly unicode: boolean;
  /** False (a pipe, NO_COLOR): the same text without escapes. */
  readonly color: boolean;
}

/** Writes for one terminal: width, charset, colour. */
export interface Pen {
  readonly columns: number;
  readonly unicode: boolean;
  /** Lines of at most `columns`, the first one indented by `first` (0), the others by `hanging`. */
  readonly wrap: (text: string, hanging: number, first?: number) => string[];
  readonly bold: (text: string) => string;
  readonly soft: (text: string) => string;
  readonly paint: (role: 'holds' | 'unresolved' | 'broken' | 'tail', text: string) => string;
  /** Plain spaces and minus signs; without Unicode, only ASCII. */
  readonly charset: (text: string) => string;
}

export function pen({ columns, unicode, color }: TerminalOptions): Pen {
  const escape = (code: string) => (text: string) => (color && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text);
  const codes = { holds: '32', unresolved: '33', broken: '31', tail: '36' } as const;
  return {
    columns,
    unicode,
    // No-break spaces hold until the line is written.
    wrap: (text, hanging, first) => wrap(text, columns, hanging, first),
    bold: escape('1'),
    soft: escape('2'),
    paint: (role, text) => escape(codes[role])(text),
    charset: (text) => (unicode ? plain(text) : ascii(plain(text))),
  };
}

/** One character for one: columns stay aligned. */
const ASCII: Readonly<Record<string, string>> = {
  '→': '>',
  '✔': 'v',
  '✖': 'x',
  '…': '~',
  '–': '-',
  '━': '#',
  '─': '.',
  '●': 'o',
  '│': '|',
  '┊': '!',
  '·': '-',
};

/** What has no ASCII likeness becomes `?`. */
function ascii(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[^\u0000-\u007f]/gu, (c) => ASCII[c] ?? '?');
}

function wrap(text: string, columns: number, hanging: number, first = 0): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(first);
  let empty = true;
  for (const word of text.split(' ').flatMap((w) => chunks(w, columns - Math.max(hanging, first)))) {
    const longer = empty ? line + word : `${line} ${word}`;
    if (!empty && columnsOf(longer) > columns) {
      lines.push(line);
      line = ' '.repeat(hanging) + word;
    } else line = longer;
    empty = false;
  }
  return [...lines, line];
}

/** A word longer than a line is cut. */
function chunks(word: string, size: number): string[] {
  if (columnsOf(word) <= size) return [word];
  const parts = [''];
  for (const c of word) {
    const last = parts.at(-1) ?? '';
    if (columnsOf(last + c) > size) parts.push(c);
    else parts[parts.length - 1] = last + c;
  }
  return parts;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;

/** Columns that a terminal gives a text: two for East Asian wide characters and emoji, none for combining marks. */
export function columnsOf(text: string): number {
  let sum = 0;
  for (const c of text) sum += COMBINING.test(c) ? 0 : WIDE.test(c) ? 2 : 1;
  return sum;
}

/** At most `width` columns of a name. */
export function fit(name: string, width: number): string {
  for (let max = width; max > 0; max--) {
    const short = shorten(name, max);
    if (columnsOf(short) <= width) return short;
  }
  return '';
}

/** Pads to a width in columns; `right` aligns the text to the right. */
export function pad(text: string, width: number, right = false): string {
  const fill = ' '.repeat(Math.max(0, width - columnsOf(text)));
  return right ? fill + text : text + fill;
}
