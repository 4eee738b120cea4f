import { clean, escapeMarkdown, escapeXml } from './escape.js';

/** A string of a record inside a sentence of ours. */
export interface Foreign {
  readonly foreign: string;
}

/** A sentence that knows which of its parts come from strangers, so that every output can escape them its own way. */
export type Phrase = readonly (string | Foreign)[];

export function foreign(text: string): Foreign {
  return { foreign: text };
}

/** Template tag: phrase`Alone, ${foreign(name)} needs ${k} units`. Strings and numbers are ours. */
export function phrase(
  strings: TemplateStringsArray,
  ...parts: readonly (string | number | Foreign | Phrase)[]
): Phrase {
  return strings.flatMap((text, i) => {
    const part = parts[i];
    if (part === undefined) return [text];
    if (typeof part === 'object') return [text, ...('foreign' in part ? [part] : part)];
    return [text, String(part)];
  });
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(parts: readonly (Phrase | Foreign)[]): Phrase {
  return parts.flatMap((p, i) => [
    ...(i === 0 ? [] : [i === parts.length - 1 ? ' and ' : ', ']),
    ...('foreign' in p ? [p] : p),
  ]);
}

/** Foreign parts are isolated, so that a right-to-left name leaves the order of the sentence alone. */
export function toHtml(text: Phrase): string {
  return text.map((p) => (typeof p === 'string' ? escapeXml(p) : `<bdi>${escapeXml(p.foreign)}</bdi>`)).join('');
}

export function toMarkdown(text: Phrase): string {
  return text.map((p) => (typeof p === 'string' ? p : escapeMarkdown(p.foreign))).join('');
}

/** Cleaned, not escaped: for SVG text, attributes and terminals. */
export function toText(text: Phrase): string {
  return text.map((p) => (typeof p === 'string' ? p : clean(p.foreign))).join('');
}
