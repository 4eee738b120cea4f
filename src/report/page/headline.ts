import { toHtml } from '../phrase.js';
import { inlineSvg } from '../svg.js';
import { evidence, headline, pills, SIGNS } from '../words.js';
import { bdi, type Section } from './markup.js';

/** Is it good? One sentence, what is certain about it, one sentence of evidence, and the gauge. */
export const headlineSection: Section = ({ view, drawn }) => {
  const { model, data } = view.sweep;
  const gauge = drawn.get('gauge');
  const marks = pills(view).map((p) => `<b class="pill ${p.verdict}">${SIGNS[p.verdict]} ${toHtml(p.text)}</b>`);
  return (
    `<header><div><p class="eyebrow">How wide does each layer need to be? · <b>${bdi(model.name)}</b> on ${bdi(data.name)}</p>` +
    `<h1>${toHtml(headline(view))}</h1>` +
    (marks.length > 0 ? `<p class="verdict">${marks.join(' ')}</p>` : '') +
    `<p class="lead">${toHtml(evidence(view))}</p></div>` +
    `${gauge === undefined ? '' : `<figure>${inlineSvg(gauge)}</figure>`}</header>`
  );
};
