const LONE_SURROGATE = /[\ud800-\udfff]/gu;
// C0 and C1 controls, bidirectional overrides, zero-width characters, and what XML 1.0 forbids.
// oxlint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]/gu;

/**
 * One line of visible text: strings of models, data and machines come from strangers. Line breaks and tabs become
 * spaces; controls, bidirectional overrides, zero-width characters and halves of surrogate pairs become U+FFFD.
 */
export function clean(text: string): string {
  return text
    .replace(/[\r\n\t]+/gu, ' ')
    .replace(INVISIBLE, '\ufffd')
    .replace(LONE_SURROGATE, '\ufffd');
}

/** Cleaned, and at most `max` characters: the middle goes, because layer names differ at their ends. */
export function shorten(text: string, max: number): string {
  const characters = Array.from(clean(text));
  if (characters.length <= max) return characters.join('');
  const head = Math.ceil((max - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (max - 1 - head)).join('')}`;
}

const XML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for HTML or SVG, as content or inside a quoted attribute. */
export function escapeXml(text: string): string {
  return clean(text).replace(/[&<>"']/gu, (c) => XML[c] ?? c);
}

/** JSON for a `<script type="application/json">`: no `<` survives, so nothing closes the element or opens a comment. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Text for a Markdown paragraph or table cell. Punctuation becomes entities; a word joiner behind `@`, `#`, `:` and
 * `www` keeps a forge from making mentions, references and links, which it does after entities are decoded.
 */
export function escapeMarkdown(text: string): string {
  return clean(text)
    .replace(/www\./giu, (w) => `${w.slice(0, 3)}\u2060.`)
    .replace(/[&<>"'`*_[\](){}#@!~$:|\\]/gu, (c) => `&#${c.charCodeAt(0)};${'@#:'.includes(c) ? '\u2060' : ''}`);
}

/** Text for a line inside a fenced block, where entities stay as they are: no backtick survives. */
export function escapeFence(text: string): string {
  return clean(text).replace(/`/gu, "'");
}

/** A lower-case name of letters, digits, `_` and `-` (never `--`), at most 60 characters, that is safe in every file system. */
export function slug(text: string): string {
  const safe = text
    .toLowerCase()
    .replace(/[^a-z0-9_]+/gu, '-')
    .replace(/^-+|-+$/gu, '')
    .slice(0, 60)
    .replace(/-+$/u, '');
  return safe === '' ? 'unnamed' : safe;
}

/** Slugs in the order of `texts`, made unique by `-2`, `-3`, … */
export function uniqueSlugs(texts: readonly string[]): string[] {
  const taken = new Set<string>();
  return texts.map((text) => {
    const base = slug(text);
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
    taken.add(name);
    return name;
  });
}
