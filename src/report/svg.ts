import type { TopLevelSpec } from 'vega-lite';

import { COLORS } from './colors.js';
import { escapeXml } from './escape.js';
import { textWidth } from './textWidth.js';
import { tidySvg } from './tidy.js';

/** Fonts that every system has; nothing is fetched. */
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** A chart ready to be drawn. No string of a record stands in the spec. */
export interface Chart {
  /** Safe as an id. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** A sentence for those who don't see it. */
  readonly label: string;
  readonly spec: TopLevelSpec;
}

/** What config every chart shares: plain axes, no title, no view frame, no measuring of text. */
export const CHART_CONFIG = {
  autosize: { type: 'none' },
  config: {
    aria: false,
    view: { stroke: null },
    axis: {
      labelColor: COLORS.soft.light,
      titleColor: COLORS.soft.light,
      gridColor: COLORS.faint.light,
      domainColor: COLORS.rule.light,
      tickColor: COLORS.rule.light,
      labelFontSize: 11,
      titleFontSize: 11,
      titleFontWeight: 'normal',
      tickSize: 4,
      labelFlush: false,
      // vega drops every other one of the ticks it is given beyond its own guess of a count.
      tickCount: 100,
    },
  },
} as const;

// Typings of vega 6 lack `textMetrics`.
interface TextMetrics {
  width: (
    item: { fontSize?: number; fontWeight?: string | number },
    text: string | number | null | undefined,
  ) => number;
}

/** A chart and what is inside its root element. */
export interface Drawn {
  readonly chart: Chart;
  readonly inner: string;
}

/**
 * Draws charts with vega-lite, without a browser and without `new Function`. vega is imported here, on first use, and
 * charts are drawn one after another: the counter of its ids is global.
 */
export async function drawCharts(charts: readonly Chart[]): Promise<Map<string, Drawn>> {
  const [vega, lite, { expressionInterpreter }] = await Promise.all([
    import('vega'),
    import('vega-lite'),
    import('vega-interpreter'),
  ]);
  const metrics = (vega as unknown as { textMetrics: TextMetrics }).textMetrics;
  metrics.width = (item, text) => textWidth(String(text ?? ''), item.fontSize ?? 11, Number(item.fontWeight) >= 600);
  const drawn = new Map<string, Drawn>();
  for (const chart of charts) {
    const { spec } = lite.compile(chart.spec);
    const view = new vega.View(vega.parse(spec, undefined, { ast: true }), {
      expr: expressionInterpreter,
      renderer: 'none',
    });
    vega.resetSVGDefIds();
    // One at a time on purpose.
    // oxlint-disable-next-line no-await-in-loop
    const raw = await view.toSVG();
    view.finalize();
    drawn.set(chart.id, { chart, inner: tidySvg(raw, chart.id) });
  }
  return drawn;
}

/** For a page: size, name and background are attributes, so that it is right without any style. */
export function inlineSvg({ chart, inner }: Drawn): string {
  const { id, width, height, label } = chart;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" id="${id}" role="img" aria-label="${escapeXml(label)}"` +
    ` width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}">` +
    `<rect width="${width}" height="${height}" fill="${COLORS.paper.light}"/>${inner}</svg>`
  );
}
