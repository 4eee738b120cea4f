import { toHtml } from '../phrase.js';
import { inlineSvg } from '../svg.js';
import { claims, type Claim } from '../claims.js';
import { SIGNS } from '../words.js';
import type { Section } from './markup.js';
import { planTrustSection } from './planTrust.js';

/** How far to trust it: what retraining and its control did, then claims, each marked. */
export const trustSection: Section = (context) => {
  const { view, drawn } = context;
  if (view.plan !== undefined) return planTrustSection(context, view.plan);
  const chart = drawn.get('retraining');
  const figure =
    chart === undefined
      ? ''
      : `<figure><h3>What retraining did at full width</h3>${inlineSvg(chart)}<figcaption>The right end of a bar is the 95 % bound (the bar: a 90 % interval), paired with the original example by example.</figcaption></figure>`;
  return `<section><h2>How far to trust it</h2><div class="trust">${figure}<ul class="checks">${claims(view).map(claimItem).join('')}</ul></div></section>`;
};

/** A claim with its sign. */
export function claimItem(claim: Claim): string {
  const sign = claim.mark === 'note' ? '·' : SIGNS[claim.mark];
  return `<li><span class="m ${claim.mark === 'note' ? 'soft' : claim.mark}">${sign}</span><b>${claim.title}</b> ${toHtml(claim.text)}</li>`;
}
