import { SELECTORS } from '../../records/selectors.js';
import type { KernelSpectrum } from '../../records/types.js';
import type { ComparedGroupView, CompareView } from '../compareView.js';
import { escapeXml } from '../escape.js';
import { integer } from '../format.js';
import { toHtml } from '../phrase.js';
import { inlineSvg } from '../svg.js';
import type { ReportView } from '../view.js';
import { bdi, scroll, type PageContext } from './markup.js';

/** Kernels with a chart and a column; the others stand in compare.json. */
const MOST = 8;

export interface KernelOfGroup {
  readonly id: string;
  readonly group: ComparedGroupView;
  readonly kernel: KernelSpectrum;
}

/** The kernels whose spectra the page shows, and how many there are. */
export function shownKernels({ groups }: CompareView): { readonly shown: KernelOfGroup[]; readonly all: number } {
  const kernels = groups.flatMap((group) => group.kernels.map((kernel) => ({ group, kernel })));
  return { shown: kernels.slice(0, MOST).map((k, i) => ({ ...k, id: `spectrum-${i}` })), all: kernels.length };
}

/** Singular values of every kernel and what rules of thumb would keep of them, beside what was measured. */
export function spectra({ view, drawn }: PageContext, compare: CompareView): string {
  const { shown, all } = shownKernels(compare);
  if (shown.length === 0) return '';
  const figures = shown
    .map(({ id, kernel }) => {
      const chart = drawn.get(id);
      const shape = kernel.kernelShape.map(integer).join('×');
      const head = `<div class="panel-head"><h3>${bdi(kernel.layer)}</h3><span class="soft nb">${shape}</span></div>`;
      return chart === undefined
        ? `<figure>${head}<figcaption>All singular values are 0.</figcaption></figure>`
        : `<figure>${head}${inlineSvg(chart)}</figure>`;
    })
    .join('');
  const more = all > shown.length ? ` The other ${all - shown.length} kernels stand in compare.json.` : '';
  const text = `Singular values of the original's kernels as shares of the largest, on a logarithmic scale. Dotted: ranks with 90, 95 and 99 % of the energy (the squares). Grey: as a rank, larger than full.${more}`;
  const grouped = new Set(shown.map((k) => k.group.id)).size > 1;
  const body = `<p class="soft">${escapeXml(text)}</p><div class="panels compare">${figures}</div>${table(view, shown)}`;
  return grouped
    ? `<details><summary>Singular values of the kernels, and what rules of thumb would keep</summary>${body}</details>`
    : `<h3 class="lead-in">Singular values, and what rules of thumb would keep</h3>${body}`;
}

/** Rules of thumb look at the spectrum and never at the loss; the last rows are measured. */
function table(view: ReportView, kernels: readonly KernelOfGroup[]): string {
  const names = [...new Set(kernels.flatMap((k) => Object.keys(k.kernel.selectors)))];
  const known = SELECTORS.filter((s) => names.includes(s.name)).map((s) => ({
    name: s.name as string,
    label: `<span title="${escapeXml(`${s.formula}; ${s.source}`)}">${escapeXml(s.label)}</span>`,
  }));
  const others = names
    .filter((n) => !known.some((k) => k.name === n))
    .slice(0, 12)
    .map((name) => ({ name, label: `${bdi(name)} (heuristic)` }));
  const cells = (f: (k: KernelOfGroup) => string): string => kernels.map((k) => `<td class="nb">${f(k)}`).join('');
  const rows = [...known, ...others].map(
    ({ name, label }) =>
      `<tr><th class="l soft" scope="row">${label}${cells((k) => rankText(k.kernel.selectors[name]))}`,
  );
  const facts = [
    `<tr><th class="l" scope="row">full rank${cells((k) => integer(k.kernel.rank))}`,
    `<tr><th class="l" scope="row">break-even rank${cells((k) => integer(k.kernel.breakEven))}`,
    ...(view.scale.budgetText === null
      ? []
      : [`<tr><th class="l" scope="row">measured: smallest that holds ${view.scale.budgetText}${cells(measured)}`]),
  ];
  const head = kernels.map((k) => `<th scope="col">${bdi(k.kernel.layer)}`).join('');
  return scroll(
    `<table cellpadding="4" class="spectra"><caption>Ranks that rules of thumb would keep. Each is a heuristic: none looks at the loss.</caption><thead><tr><th class="l" scope="col">rank${head}</thead><tbody>${rows.join('')}${facts.join('')}</tbody></table>`,
  );
}

function rankText(value: number | null | undefined): string {
  if (value == null) return '–';
  return Number.isInteger(value) ? integer(value) : value.toFixed(1);
}

/** The smallest rank of any rank ordering of this kernel. */
function measured({ group, kernel }: KernelOfGroup): string {
  const ranks = [...group.drawn, ...group.others]
    .filter((c) => c.view.curve.kind === 'rank' && c.view.curve.layer === kernel.layer)
    .flatMap((c) => (c.view.needs === null ? [] : [{ c, k: c.view.needs.k }]));
  const [first, ...others] = ranks;
  if (first === undefined) return '–';
  const least = others.reduce((a, b) => (b.k < a.k ? b : a), first);
  return `<b>${integer(least.k)}</b> <span class="soft">${toHtml(least.c.ordering.label)}</span>`;
}
