"""The style of release pages: one sheet inside the page, so that a saved page stays whole."""

STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1b2027; --soft: #59636f;
  --line: #dfe3e8; --accent: #0b62c4; --good: #1a7f37; --bad: #c1272d; --idle: #8a6100;
  --code: #f0f2f5; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161b; --card: #1a2027; --ink: #e6eaef;
  --soft: #9aa5b1; --line: #2d3640; --accent: #6cb0ff; --good: #56c271; --bad: #ff7b78;
  --idle: #dfb04a; --code: #10141a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
main, header, footer { max-width: 58rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { margin: 0; font-size: clamp(1.6rem, 5vw, 2.25rem); line-height: 1.2; letter-spacing: -.02em;
  overflow-wrap: anywhere; }
h1 .version { color: var(--accent); font-weight: 600; }
pre:last-child { margin-bottom: 0; }
h2 { margin: 0 0 .75rem; font-size: 1.05rem; }
.lead { margin: .5rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.25rem; margin: 1.25rem 0; }
a { color: var(--accent); text-underline-offset: .2em; }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px;
  border-radius: 4px; }
code, pre, .hash { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace;
  font-size: .875em; }
pre { margin: .25rem 0 .9rem; padding: .75rem .9rem; background: var(--code); border-radius: 8px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.hash { color: var(--soft); overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr));
  gap: 1rem 1.5rem; margin: 0; }
.facts > .wide { grid-column: 1 / -1; }
.facts dt, .label { color: var(--soft); font-size: .8125rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.list { list-style: none; margin: 0; padding: 0; }
.list > li { padding: .85rem 0; border-top: 1px solid var(--line); }
.list > li:first-child { border-top: 0; padding-top: 0; }
.list > li:last-child { padding-bottom: 0; }
.row { display: flex; flex-wrap: wrap; gap: .1rem 1rem; justify-content: space-between;
  align-items: baseline; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.aside { color: var(--soft); font-size: .875rem; font-variant-numeric: tabular-nums; }
.text { margin: .15rem 0 0; overflow-wrap: anywhere; }
.mark { font-size: .8125rem; font-weight: 600; padding: .05rem .55rem; border-radius: 99px;
  border: 1px solid currentColor; margin-left: .5rem; white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); } .other { color: var(--idle); }
.bar { display: flex; height: .6rem; border-radius: 99px; overflow: hidden; gap: 2px;
  margin: .6rem 0 .4rem; background: var(--line); }
.bar span { background: currentColor; min-width: 3px; }
details { margin-top: .4rem; }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; }
.small { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .1rem 1rem;
  margin: .5rem 0 0; font-size: .875rem; }
.small dt { color: var(--soft); overflow-wrap: anywhere; }
.small dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .875rem; padding-bottom: 2.5rem; }
@media (max-width: 30rem) { main, header, footer { padding-left: .9rem; padding-right: .9rem; }
  section { padding: 1rem; border-radius: 10px; } .small { grid-template-columns: 1fr; }
  .small dd { margin-bottom: .35rem; } }
@media print { body { background: #fff; } section { break-inside: avoid; } }
"""
