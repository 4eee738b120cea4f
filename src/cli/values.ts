import type { OptionKind } from './options.js';

const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
};

/**
 * The value that a text stands for. A text that fits no value of its kind is returned as it is: the schema refuses it with
 * the words that the option deserves.
 */
export function readValue(kind: OptionKind, text: string): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return readNumber(text);
    case 'size':
      return readSize(text);
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'numbers':
      return text.split(/[,x]/u).map((part) => readNumber(part.trim()));
    case 'widths':
      return readWidths(text);
    case 'switch':
      return SWITCH_WORDS[text.toLowerCase()] ?? text;
    case 'off': {
      const value = SWITCH_WORDS[text.toLowerCase()];
      return value === undefined ? text : !value;
    }
  }
}

/** `0.5`, `1e-3` or a fraction such as `1/255`. */
function readNumber(text: string): number | string {
  const parts = text.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [over = Number.NaN, under = 1] = parts;
  const value = over / under;
  return parts.length <= 2 && Number.isFinite(value) ? value : text;
}

/** `dense_1=8,dense_2=16`; a text without its number is returned as it is. */
function readWidths(text: string): Readonly<Record<string, number>> | string {
  const pairs = text.split(',').map((part): [string, number] => {
    const at = part.lastIndexOf('=');
    const digits = part.slice(at + 1).trim();
    return [part.slice(0, Math.max(0, at)).trim(), /^\d+$/u.test(digits) ? Number(digits) : Number.NaN];
  });
  return pairs.every(([name, k]) => name !== '' && Number.isSafeInteger(k)) ? Object.fromEntries(pairs) : text;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** `2GiB`, `500MB` or a number of bytes. */
function readSize(text: string): number | string {
  const [, digits = '', unit = ''] = /^\s*([\d.]+)\s*([a-z]*)\s*$/iu.exec(text) ?? [];
  const bytes = Math.floor(Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  return digits !== '' && Number.isFinite(bytes) ? bytes : text;
}
