import { AXIS_NAMES, axesOf } from '../compareAxes.js';
import { compareChartId } from '../compareChart.js';
import { COMPARE_AXES, type ComparedGroupView, type CompareView } from '../compareView.js';
import { equalKText, rankingText, smallerText, taxText, weightsText, winnersText } from '../compareWords.js';
import { escapeXml } from '../escape.js';
import { NBSP, percent } from '../format.js';
import { toHtml } from '../phrase.js';
import { inlineSvg } from '../svg.js';
import type { ReportView } from '../view.js';
import { compareTables } from './compareTables.js';
import { legend } from './legend.js';
import { bdi, type PageContext, type Section } from './markup.js';
import { spectra } from './spectra.js';

/** Which ordering keeps the most at the same cost? One panel per group, then the smallest model that holds. */
export const comparisonSection: Section = (context) => {
  const { view } = context;
  const { compare } = view;
  if (compare === undefined || compare.groups.length === 0) return '';
  const shown = compare.groups.slice(0, compare.panels);
  const figures = shown.map((g) => panel(context, compare, g)).join('');
  const few =
    shown.length < compare.groups.length
      ? `<p class="soft">Panels of the ${shown.length} groups with most at stake; the others are rows below.</p>`
      : '';
  return (
    `<section><h2>Which ordering keeps the most at the same cost</h2><p>${intro(view, compare)}</p>${few}` +
    `${legend(compare)}${axes(compare)}<div class="panels compare">${figures}</div>` +
    `${facts(view, shown)}${compareTables(view, compare)}${spectra(context, compare)}</section>`
  );
};

function intro(view: ReportView, compare: CompareView): string {
  const tax = taxText(view);
  return (
    `${toHtml(winnersText(view, compare))} A unit ordering removes units, which makes two kernels smaller; a rank ordering splits one kernel in two. ` +
    `So they are compared by cost: <b>equal k is not equal cost.</b>${tax === '' ? '' : ` ${escapeXml(tax)}`}`
  );
}

/** Radios that need CSS only: hidden where there is none, and the chosen axis is all there is. */
function axes(compare: CompareView): string {
  const chosen = compare.record.axis;
  const offered = axesOf(compare);
  const same = COMPARE_AXES.filter((a) => !offered.includes(a)).map((a) => AXIS_NAMES[a].short);
  const note =
    same.length === 0 ? '' : `<span class="soft">${same.join(' and ')}: the same picture to 1${NBSP}%</span>`;
  const radios = offered.map(
    (a) =>
      `<label><input type="radio" name="axis" id="ax-${a}" autocomplete="off"${a === chosen ? ' checked' : ''}> ${AXIS_NAMES[a].short}</label>`,
  );
  return `<fieldset class="axes" hidden><legend>Against</legend>${radios.join('')}${note}</fieldset>`;
}

function panel({ view, drawn }: PageContext, compare: CompareView, group: ComparedGroupView): string {
  const views = axesOf(compare).map((axis) => {
    const chart = drawn.get(compareChartId(group, axis));
    if (chart === undefined) return '';
    const words = axis === 'k' ? equalKText(view, group) : rankingText(view, group, axis);
    const hidden = axis === compare.record.axis ? '' : ' hidden';
    return `<div class="v-${axis}"${hidden}>${inlineSvg(chart)}<p class="soft">${unbroken(toHtml(words))}</p></div>`;
  });
  const stake = group.stake > 0 ? `can save at most ${percent(100 * group.stake)}` : 'has nothing to save';
  const kernels =
    group.kernels.length > 1 && group.kernel !== undefined ? ` · ranks of ${bdi(group.kernel.layer)}` : '';
  return (
    `<figure><div class="panel-head"><h3>${bdi(group.name)}</h3><span class="soft">${stake}${kernels}</span></div>` +
    `${views.join('')}</figure>`
  );
}

/** A browser may break a line behind a hyphen. */
function unbroken(html: string): string {
  return html.replaceAll('K-FAC', '<span class="nb">K-FAC</span>');
}

/** What training alone gives the classic order, and curves beside the drawn ones that save more. */
function facts(view: ReportView, groups: readonly ComparedGroupView[]): string {
  const items = groups.flatMap((g) => {
    const text = [weightsText(view, g), smallerText(g)].filter((t) => t.length > 0).map(toHtml);
    return text.length > 0 ? [`<li><b>${bdi(g.name)}</b> ${text.join(' ')}</li>`] : [];
  });
  if (items.length === 0) return '';
  const budget = view.scale.budgetText ?? '';
  return `<p class="soft lead-in">The same order on other weights, and what each needs for ${budget}: what the control gains is due to training, not to TailDropout.</p><ul class="facts">${items.join('')}</ul>`;
}
