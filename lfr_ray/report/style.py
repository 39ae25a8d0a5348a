"""The report's style sheet: light, dark and paper."""

from __future__ import annotations

STYLE = """
:root{--ink:#16202c;--soft:#5b6b7c;--line:#dde4ea;--paper:#f5f7f9;--card:#fff;--one:#2f5fd0;--two:#0f8a7e;
--good:#0f8a7e;--bad:#c2553d;--quiet:#8a97a5;--mark:#eef3fb}
@media (prefers-color-scheme:dark){:root{--ink:#e6ecf2;--soft:#9aa9b8;--line:#2b3744;--paper:#10171f;--card:#18212b;
--one:#7ea2ff;--two:#4fc9bb;--good:#4fc9bb;--bad:#ec8a70;--quiet:#6f7f8f;--mark:#1e2936}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;-webkit-font-smoothing:antialiased}
main{max-width:1180px;margin:0 auto;padding:40px 24px 64px}
header{margin-bottom:28px}
h1{font-size:30px;line-height:1.2;letter-spacing:-.02em;margin:0 0 6px;font-weight:680}
h2{font-size:19px;letter-spacing:-.01em;margin:44px 0 4px;font-weight:650}
h3{font-size:15px;margin:0 0 2px;font-weight:620}
p{margin:0 0 12px;max-width:76ch}
.lead,.sub,.legend,caption,small{color:var(--soft)}
.lead{font-size:16px}
.sub{font-size:13.5px;margin-bottom:14px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:14px;margin:22px 0 8px}
.card,figure{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;margin:0}
.card .name{font-size:13px;line-height:1.4;color:var(--soft);min-height:2.9em}
.card .value{font-size:31px;font-weight:680;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums}
.card .range{font-size:13px;color:var(--soft);font-variant-numeric:tabular-nums}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:16px;margin-top:14px}
figure svg{width:100%;height:auto;display:block}
.legend{font-size:12.5px;min-height:20px;margin:6px 0 4px;display:flex;flex-wrap:wrap;gap:4px 16px}
.key{display:inline-flex;align-items:center;gap:6px}
.swatch{width:16px;height:3px;border-radius:2px;background:currentColor;display:inline-block}
.swatch.area{height:10px;opacity:.25}
.swatch.dashed{background:repeating-linear-gradient(90deg,currentColor 0 4px,transparent 4px 7px)}
.one{color:var(--one)}.two{color:var(--two)}.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}
.line{fill:none;stroke:currentColor;stroke-width:2.1;stroke-linejoin:round;stroke-linecap:round}
.line.dashed{stroke-dasharray:5 5}
.band{fill:currentColor;opacity:.16;stroke:none}
.dot{fill:var(--card);stroke:currentColor;stroke-width:1.8}
.grid{stroke:var(--line);stroke-width:1}
.guide{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.tick,.note{font-size:11px;fill:var(--soft)}
.label{font-size:12px;fill:var(--soft)}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px;margin:12px 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:9px 12px;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}
th{font-size:12.5px;color:var(--soft);font-weight:560}
td.n,th.n{text-align:right}
tr.best td{background:var(--mark);font-weight:600}
.whisker{width:150px;height:18px;vertical-align:middle}
.whisker .track{stroke:var(--line);stroke-width:2}
.whisker .reach{stroke:var(--one);stroke-width:5;opacity:.35;stroke-linecap:round}
.whisker .at{fill:var(--one)}
.flag{font-size:12px;color:var(--bad)}
ul{margin:6px 0 0;padding-left:20px;max-width:84ch}
li{margin:3px 0}
footer{margin-top:44px;color:var(--soft);font-size:13px}
@media (max-width:560px){main{padding:24px 14px 40px}.card .name{min-height:0}
.pair{grid-template-columns:1fr}h1{font-size:25px}}
@media print{body{background:#fff}main{max-width:none;padding:0}.card,figure,.scroll{break-inside:avoid}}
"""
