import { createHash } from 'node:crypto';

import { escapeXml } from '../escape.js';
import { toText } from '../phrase.js';
import { headline } from '../words.js';
import { comparisonSection } from './comparison.js';
import { headlineSection } from './headline.js';
import type { PageContext, Section } from './markup.js';
import { panelsSection } from './panels.js';
import { provenanceSection } from './provenance.js';
import { pageData, SCRIPT } from './script.js';
import { pageCss } from './style.js';
import { trustSection } from './trust.js';
import { widthsSection } from './widths.js';

/** In reading order; a section without anything to say renders nothing. */
const SECTIONS: readonly Section[] = [
  headlineSection,
  widthsSection,
  panelsSection,
  comparisonSection,
  trustSection,
  provenanceSection,
];

const ICON =
  'data:image/svg+xml,%3Csvg%20xmlns%3D%22http%3A%2F%2Fwww.w3.org%2F2000%2Fsvg%22%20viewBox%3D%220%200%2016%2016%22%3E%3Cpath%20d%3D%22M1%202h3v12H1zM5%207h3v7H5zM9%2010h3v4H9zM13%2012h2v2h-2z%22%20fill%3D%22%230072b2%22%2F%3E%3C%2Fsvg%3E';

/**
 * The page: one file, whole offline and without scripts. Its own content security policy lets in nothing but its
 * stylesheet and script (by hash) and data: images, which proves that in every browser that opens it.
 */
export function renderPage(context: PageContext): string {
  const { view } = context;
  const css = pageCss(view.plan !== undefined);
  const shown = view.groups.slice(0, context.panels);
  // Points of a metric have no bound, which is what the script's readouts tell.
  const scripted = shown.length > 0 && view.scale.metric === undefined;
  const scripts = scripted ? `script-src '${sha256(SCRIPT)}'; ` : '';
  const policy = `default-src 'none'; img-src data:; style-src '${sha256(css)}'; ${scripts}base-uri 'none'; form-action 'none'`;
  const title = `${toText([{ foreign: view.sweep.model.name }])}: ${toText(headline(view))} · tdc`;
  const body = SECTIONS.map((section) => section(context)).filter((s) => s !== '');
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n` +
    `<meta http-equiv="Content-Security-Policy" content="${policy}">\n` +
    `<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">\n` +
    `<title>${escapeXml(title)}</title>\n<link rel="icon" href="${ICON}"><style>${css}</style></head>\n` +
    `<body><main>\n${body.join('\n\n')}\n</main>${scripted ? script(pageData(view, shown)) : ''}</body></html>\n`
  );
}

function script(data: string): string {
  return `<script type="application/json" id="tdc-data">${data}</script>\n<script>${SCRIPT}</script>`;
}

/** A source expression for a policy. */
export function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;
}
