import { describe, expect, it } from 'vitest';

import { claims } from '../../src/report/claims.js';
import { renderReport } from '../../src/report/render.js';
import { renderTerminal } from '../../src/report/terminal.js';
import { viewReport } from '../../src/report/view.js';
import { headline, pills } from '../../src/report/words.js';
import { toText } from '../../src/report/phrase.js';
import { twoGroups } from './records.js';

const CONSTANT = {
  kind: 'constant',
  text: 'The model does no better than a constant answer: is the scale right?',
} as const;
const SEEN = { kind: 'seen', text: 'It has seen this file <b>.' } as const;

describe('a model that does no better than a constant', () => {
  const sweep = { ...twoGroups(), warnings: [CONSTANT] };

  it('gets no width in the headline, on the page, the summary or the terminal', async () => {
    const view = viewReport({ sweep });
    expect(toText(headline(view))).toMatch(/^No width can be read off/);
    expect(pills(view).map(({ verdict }) => verdict)).toEqual(['broken']);
    const { html, summary } = await renderReport({ sweep });
    const terminal = renderTerminal({ sweep }, { columns: 80, unicode: true, color: false });
    for (const text of [html, summary, terminal]) expect(text).toContain('No width can be read off');
    expect(html).not.toContain('<h1>Alone');
  });
});

describe('a model that has seen the file', () => {
  const sweep = { ...twoGroups(), warnings: [SEEN] };

  it('keeps its headline, with a pill and a claim that say so', async () => {
    const view = viewReport({ sweep });
    expect(pills(view)[0]).toMatchObject({ verdict: 'unresolved' });
    expect(claims(view)[0]).toMatchObject({ mark: 'unresolved', title: 'The model has seen this file.' });
    expect((await renderReport({ sweep })).html).not.toContain('file <b>.');
  });
});
