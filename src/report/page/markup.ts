import { escapeXml } from '../escape.js';
import type { Drawn } from '../svg.js';
import type { ReportView } from '../view.js';

/** What a section of the page is made of. */
export interface PageContext {
  readonly view: ReportView;
  /** Charts by id. */
  readonly drawn: ReadonlyMap<string, Drawn>;
  /** Groups with a panel of their own; the others get a row. */
  readonly panels: number;
}

/** Renders a part of the page; an empty string when it has nothing to say. */
export type Section = (context: PageContext) => string;

/** A name of a record: escaped, isolated from the text around it. */
export function bdi(text: string): string {
  return `<bdi>${escapeXml(text)}</bdi>`;
}

/** A table that can be wider than the page. Cells are HTML. `head` cells starting with `l:` are left-aligned. */
export function scroll(table: string): string {
  return `<div class="scroll">${table}</div>`;
}
