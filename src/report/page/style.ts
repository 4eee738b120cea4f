import { themeCss } from '../colors.js';

/** The page's only stylesheet. Without it the page is semantic HTML that still reads. */
export function pageCss(plan = false): string {
  return themeCss() + (plan ? CSS + PLAN : CSS).replace(/\n\s*/gu, '');
}

/** What only the page of a plan has. */
const PLAN = `
.panels.trio{margin:.75rem 0 .25rem}
.panels.trio figure{margin-bottom:16px;grid-row:span 3}
.plan td.bar{width:14%;min-width:36px}
.plan :is(th,td):not(:last-child){padding-right:.6rem}
.split.plan{gap:16px 40px;grid-template-columns:minmax(0,1.25fr) minmax(0,1fr)}
@media (max-width:860px){.split.plan{grid-template-columns:minmax(0,1fr)}}
.plan td.bar svg{width:100%}
@media print{.plan .hide-s{display:none}}
`;

const CSS = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1136px;margin:0 auto;padding:20px 16px 48px}
h1,h2,h3,p,figure,table,ul,dl{margin:0}
h1{font-size:clamp(1.55rem,1.1rem + 1.9vw,2.35rem);line-height:1.15;letter-spacing:-.015em;font-weight:700;margin:.25rem 0 .5rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 .25rem}
h3{font-size:1rem;line-height:1.3;font-weight:700;overflow-wrap:anywhere;min-width:0}
.eyebrow,.soft,caption,figcaption{color:var(--soft);font-size:.875rem}
.eyebrow{overflow-wrap:anywhere}
.lead{max-width:62rem}
.pill{display:inline-block;border:1.5px solid;border-radius:99px;padding:.05rem .7rem;font-weight:700;margin:0 .25rem .25rem 0;overflow-wrap:anywhere}
.holds{color:var(--holds)}.unresolved{color:var(--unresolved)}.broken{color:var(--broken)}
header{display:grid;grid-template-columns:minmax(0,1fr) 352px;gap:8px 48px;align-items:center;padding-bottom:20px}
.verdict{margin-bottom:.5rem}
section{border-top:1px solid var(--rule);padding:20px 0 24px}
section>p{max-width:62rem;margin-bottom:.6rem}
.split{display:grid;grid-template-columns:minmax(0,1.15fr) minmax(0,1fr);gap:16px 48px;align-items:start;margin-bottom:16px}
.split .soft{margin-top:.3rem}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:0 24px}
.panels figure{margin-bottom:24px}
@supports (grid-template-rows:subgrid){.panels figure{display:grid;grid-row:span 3;grid-template-rows:subgrid;row-gap:0;align-items:start}}
.panels figcaption{margin-top:.15rem}
p,figcaption,summary,li,output{overflow-wrap:anywhere}
figure{min-width:0}
svg.chart{display:block;width:100%;max-width:396px;height:auto}
figure input[type=range]{display:block;width:calc(100%*306/352);max-width:344px;margin:0 0 0 calc(min(100%,396px)*44/352)}
input[hidden],.control[hidden]{display:none}
.control{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .75rem;font-size:.9375rem;margin-bottom:.75rem}
.control input{width:180px}
input[type=range]{-webkit-appearance:none;appearance:none;background:none;height:20px}
input[type=range]::-webkit-slider-runnable-track{height:2px;background:var(--fill)}
input[type=range]::-moz-range-track{height:2px;background:var(--fill)}
input[type=range]::-webkit-slider-thumb{-webkit-appearance:none;width:14px;height:14px;margin-top:-6px;border-radius:50%;background:var(--paper);border:2px solid var(--ink)}
input[type=range]::-moz-range-thumb{width:10px;height:10px;border-radius:50%;background:var(--paper);border:2px solid var(--ink)}
output{display:block;font-size:.875rem}
figure output{min-height:1.4em}
svg.chart{touch-action:pan-y}
.probe line{stroke:var(--soft);stroke-width:1}
.probe circle{fill:var(--paper);stroke:var(--ink);stroke-width:2}
.other-budget{stroke:var(--broken);stroke-width:1.5;stroke-dasharray:2 3}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:left;padding-bottom:.25rem}
th,td{padding:.3rem .75rem .3rem 0;text-align:right;vertical-align:middle;border-top:1px solid var(--rule)}
thead th{border-top:0;color:var(--soft);font-weight:400;font-size:.8125rem;vertical-align:bottom}
th:first-child,.l{text-align:left}
tbody th{font-weight:600}
th.long{white-space:normal;overflow-wrap:anywhere;min-width:7em;max-width:15em}
th:last-child,td:last-child{padding-right:0}
td.bar{width:24%;min-width:64px}
td.bar svg{display:block;width:100%;height:16px}
.nb{white-space:nowrap}
th.long.nb{white-space:normal}
.scroll{overflow-x:auto;max-width:100%}
.panels+.scroll{margin-top:1.25rem}
details .scroll{margin-top:.5rem}
table.points{width:auto;font-size:.8125rem}
table.points th,table.points td{padding-right:1.5rem}
.panels.compare figure{margin-bottom:20px;grid-row:span 2}
.panels.compare .panel-head .soft{text-align:right}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.25rem 0 .75rem;font-size:.875rem}
.legend svg,.holding th svg{width:44px;height:12px;vertical-align:-1px;margin-right:.35rem}
.axes[hidden]{display:none}
.axes legend{float:left;margin-right:.9rem;color:var(--soft);padding:0}
.axes input{margin:0 .15rem 0 0;accent-color:var(--ink)}
@supports selector(:has(*)){
.axes[hidden]{display:flex;flex-wrap:wrap;gap:.25rem .9rem;border:0;padding:0;margin:0 0 .75rem;font-size:.9375rem}
section:has(#ax-parameters:checked) .v-parameters,section:has(#ax-macs:checked) .v-macs,section:has(#ax-bytes:checked) .v-bytes,section:has(#ax-k:checked) .v-k{display:block}
section:has(#ax-parameters:checked) :is(.v-macs,.v-bytes,.v-k),section:has(#ax-macs:checked) :is(.v-parameters,.v-bytes,.v-k),section:has(#ax-bytes:checked) :is(.v-parameters,.v-macs,.v-k),section:has(#ax-k:checked) :is(.v-parameters,.v-macs,.v-bytes){display:none}
}
.lead-in{margin-top:.75rem}
details>.soft,section>.lead-in+.soft{margin:.25rem 0 .75rem}
.facts{padding-left:1.2rem;margin:.25rem 0 .75rem;max-width:62rem;font-size:.9375rem}
.scroll+.scroll{margin-top:1rem}
table.spectra{width:auto}
table.spectra th,table.spectra td{padding-right:1.5rem}
table.spectra th.soft{font-weight:400}
.panel-head{display:flex;justify-content:space-between;gap:8px;align-items:baseline}
.trust{display:grid;gap:8px 32px;margin-top:.75rem}
@media (min-width:861px){.trust:has(figure){grid-template-columns:352px minmax(0,1fr)}}
.checks{list-style:none;padding:0;display:grid;gap:.45rem;max-width:62rem;align-content:start}
.checks li{padding-left:1.6rem;position:relative}
.checks .m{position:absolute;left:0;font-weight:700;width:1.2rem;text-align:center}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem 1.25rem;font-size:.875rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.84em}
pre{background:var(--faint);padding:.6rem .75rem;margin:.25rem 0 .75rem;white-space:pre-wrap;overflow-wrap:anywhere;border-radius:4px}
details{margin-top:.75rem}
summary{cursor:pointer}
:focus-visible{outline:2px solid var(--tail);outline-offset:2px}
@media (max-width:860px){.split,header{grid-template-columns:minmax(0,1fr)}}
@media (max-width:520px){
body{font-size:15px}
main{padding:14px 14px 32px}
dl{grid-template-columns:minmax(0,1fr)}
dd{margin-bottom:.4rem}
table{font-size:.8125rem}
thead th{font-size:.75rem}
th,td{padding-right:.4rem}
td.bar{min-width:36px}
th.long{min-width:5em}
.hide-s{display:none}
.holding td .soft{display:block}
}
@page{size:A4;margin:12mm}
@media print{
body{font-size:9.5pt;line-height:1.4}
main{max-width:none;padding:0}
h1{font-size:18pt}
h2{font-size:12pt}
header{grid-template-columns:minmax(0,1fr) 300px;gap:4px 20px;padding-bottom:8px}
.split{grid-template-columns:1.15fr 1fr;gap:8px 20px}
table{font-size:8.5pt}
thead th,caption,figcaption,.soft,dl,.legend,.facts{font-size:8.5pt}
th,td{padding:.18rem .4rem .18rem 0}
.split .hide-s,.split .bar,.axes[hidden],.control,input,.no-print{display:none!important}
figure,tr,.checks li,header,.split,.scroll{break-inside:avoid}
h2,h3{break-after:avoid}
section{padding:10px 0}
.panels{grid-template-columns:1fr 1fr;gap:10px 20px}
svg.chart{max-width:320px}
}`;
