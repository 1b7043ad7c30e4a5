"""The style of a features report and its script: both inside the page, so that it stays whole."""

STYLE = """
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #fff; --ink: #1b2027; --soft: #56606c;
  --line: #dfe3e8; --accent: #0b62c4; --code: #f0f2f5; --good: #1a7f37; --bad: #c1272d;
  --odd: #a04f00; --idle: #5b6570; --held: #7a3fb0; --bad-wash: #fdeeee; --odd-wash: #fff4e2;
  --good-wash: #e9f6ec; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161b; --card: #1a2027; --ink: #e6eaef;
  --soft: #9aa5b1; --line: #2d3640; --accent: #6cb0ff; --code: #10141a; --good: #56c271;
  --bad: #ff7b78; --odd: #f0a04b; --idle: #9aa5b1; --held: #c79bf2; --bad-wash: #32191b;
  --odd-wash: #2f2413; --good-wash: #15281b; } }
* { box-sizing: border-box; }
html { font-size: clamp(16px, 12.5px + .28vw, 20px); scroll-padding-top: 6.5rem; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
main, header, footer { max-width: 104rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 1.5rem; }
.over { margin: 0 0 .5rem; color: var(--soft); overflow-wrap: anywhere; }
.verdict { display: flex; gap: 1rem; align-items: center; padding: 1.1rem 1.25rem;
  border-radius: 12px; color: #fff; background: #c1272d; }
.v-passed { background: #1a7f37; } .v-flaky { background: #a04f00; }
.sign { flex: none; font-size: 1.6rem; line-height: 2.75rem; width: 2.75rem; text-align: center;
  font-weight: 700; border-radius: 50%; background: #fff; color: #1b2027; }
h1 { margin: 0; font-size: clamp(1.35rem, 4vw, 2rem); line-height: 1.2; letter-spacing: -.01em; }
.verdict p { margin: .2rem 0 0; }
.bar { display: flex; height: .6rem; border-radius: 99px; overflow: hidden; gap: 2px;
  margin: .9rem 0 1rem; background: var(--line); }
.bar span { background: currentColor; min-width: 4px; }
.passed { color: var(--good); } .failed, .error, .undefined { color: var(--bad); }
.flaky { color: var(--odd); } .skipped, .untested, .other { color: var(--idle); }
.quarantined { color: var(--held); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr));
  gap: .75rem 1.5rem; margin: 0; }
dt { color: var(--soft); font-size: .8125rem; } dd { margin: 0; overflow-wrap: anywhere; }
code, pre, .hash, kbd { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace;
  font-size: .875em; overflow-wrap: anywhere; }
.notices { margin: 1.25rem 0 0; padding: .75rem 1rem .75rem 2rem; border-radius: 10px;
  background: var(--odd-wash); border: 1px solid var(--odd); overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.1rem 1.25rem; margin: 1.25rem 0; }
h2 { margin: 0 0 .6rem; font-size: 1.1rem; } h3 { margin: 0 0 .5rem; font-size: 1rem; }
.remark { margin: 0 0 .75rem; color: var(--soft); overflow-wrap: anywhere; }
small, .aside, .meta, .told { font-size: .875rem; color: var(--soft); font-weight: 400; }
small { overflow-wrap: anywhere; }
.aside { font-variant-numeric: tabular-nums; white-space: nowrap; margin-left: auto; }
summary { cursor: pointer; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .2em; }
:is(a, summary, button, input):focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; border-radius: 6px; }
.filter { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: .35rem .9rem;
  align-items: center; margin: 1.25rem 0 0; padding: .6rem .9rem; border-radius: 10px;
  background: var(--card); border: 1px solid var(--line); }
.filter[hidden], [hidden] { display: none; }
.filter input[type=search] { font: inherit; flex: 1 1 12rem; max-width: 26rem;
  padding: .25rem .6rem; color: inherit; background: var(--code);
  border: 1px solid var(--soft); border-radius: 6px; }
.filter label { white-space: nowrap; font-size: .9rem; } .filter small { margin-left: auto; }
.filter output { font-size: .875rem; color: var(--soft); }
kbd { padding: 0 .35rem; border: 1px solid var(--line); border-radius: 4px;
  background: var(--code); }
.full { border: 1px solid var(--line); border-left: 4px solid currentColor; border-radius: 8px;
  margin: .75rem 0 0; padding: 0 1rem; }
.full > summary { display: flex; gap: .75rem; align-items: baseline; padding: .7rem 0;
  list-style: none; }
.full > summary::-webkit-details-marker { display: none; }
.full > :not(summary), .what { color: var(--ink); }
.mark { flex: none; width: 1em; text-align: center; font-weight: 700; }
.what { display: grid; min-width: 0; } .name { font-weight: 600; font-size: 1.05rem; }
.hint { color: var(--soft); font-size: .9rem; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
[open] > summary .hint { display: none; }
.full > summary .aside { color: inherit; }
.meta { margin: 0 0 .75rem; overflow-wrap: anywhere; } .again { margin: .75rem 0; }
.tag { padding: 0 .45rem; border: 1px solid var(--line); border-radius: 99px;
  font-size: .8125rem; overflow-wrap: anywhere; }
.chip { padding: 0 .5rem; border: 1px solid currentColor; border-radius: 99px;
  font-size: .8125rem; }
.attempts { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.attempts article { min-width: 0; padding: .75rem; border: 1px solid var(--line);
  border-radius: 8px; }
.single { display: grid; gap: 0 1.25rem; }
.single > * { min-width: 0; } .single > .papers { grid-column: 1 / -1; order: 3; }
.film { display: flex; gap: .6rem; overflow-x: auto; padding: 3px 3px .5rem; margin-bottom: .5rem; }
.film:not(:has(.shot)) { display: block; } .film .told { margin: 0; }
.shot { flex: none; width: min(11.5rem, 70%); }
.shot summary { list-style: none; cursor: zoom-in; }
.shot summary::-webkit-details-marker { display: none; }
.shot img { display: block; width: 100%; height: auto; max-height: 16rem; object-fit: cover;
  object-position: top left; border: 1px solid var(--line); border-radius: 6px; background: #fff; }
.attempts .shot:not([open]) img { aspect-ratio: 4 / 3; }
.shot span { display: block; margin-top: .2rem; font-size: .8125rem; color: var(--soft);
  overflow-wrap: anywhere; }
.shot[open] summary { position: fixed; inset: 0; z-index: 9; display: flex; overflow: auto;
  padding: 1rem; background: #000c; cursor: zoom-out; }
.shot[open] summary img { flex: none; width: auto; max-width: 100%; max-height: none !important;
  margin: auto; }
.shot[open] span { display: none; }
.steps { list-style: none; margin: 0 0 .6rem; padding: 0; }
.steps li { display: grid; grid-template-columns: 1.3em minmax(0, 1fr) auto; gap: 0 .4rem;
  padding: .15rem .4rem; border-radius: 6px; overflow-wrap: anywhere; }
.steps li > span:nth-child(2) { color: var(--ink); }
.steps li:is(.skipped, .untested) > span:nth-child(2) { color: var(--soft); }
.steps li:is(.failed, .error, .undefined, .other) { background: var(--bad-wash); }
.steps :is(small, pre) { grid-column: 2 / -1; } .steps b { font-weight: 600; }
.word { font-size: .8125rem; font-weight: 600; }
:is(.failed, .error, .undefined) > span > .word { color: var(--bad); }
:is(.skipped, .untested) > span > .word { color: var(--soft); font-weight: 400; }
pre { margin: .35rem 0 .6rem; padding: .6rem .8rem; background: var(--code); border-radius: 8px;
  color: var(--ink); white-space: pre-wrap; overflow: auto; max-height: 34rem; }
.why { border-left: 3px solid var(--bad); }
.text, .told { margin: .4rem 0; overflow-wrap: anywhere; }
.text > summary { color: var(--accent); }
iframe { width: 100%; height: 30rem; resize: vertical; border: 1px solid var(--line);
  border-radius: 8px; background: #fff; color-scheme: light; }
button { font: inherit; color: var(--accent); background: none; border: 1px solid currentColor;
  border-radius: 6px; cursor: pointer; }
.feature { border-top: 1px solid var(--line); }
.feature > summary { padding: .5rem 0; }
.feature summary .aside { float: right; margin-left: 1rem; }
.feature > .case { padding: .2rem 0 .2rem 1.1rem; overflow-wrap: anywhere; }
.feature .case ol { margin: .2rem 0 .5rem; padding-left: 1.2rem; list-style: none;
  color: var(--soft); font-size: .9375rem; }
.feature .case b { font-weight: 600; }
.slow { margin: 0; padding: 0; list-style: none; }
.slow li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 1rem;
  padding: .35rem 0; overflow-wrap: anywhere; }
.slow small { grid-row: 2; } .slow b { min-width: 5rem; text-align: right;
  font-variant-numeric: tabular-nums; }
.slow li::after { content: ""; grid-column: 1 / -1; height: 3px; border-radius: 2px;
  background: linear-gradient(90deg, var(--accent) calc(100% * var(--share)), var(--line) 0); }
footer { color: var(--soft); font-size: .875rem; padding-bottom: 2rem; }
@media (min-width: 44rem) { .facts > .wide { grid-column: span 2; } }
@media (min-width: 70rem) {
  .single:has(> .film .shot) { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .single > .film { order: 2; flex-wrap: wrap; align-content: start; }
  .single > .film .shot { width: min(100%, 30rem); } .single .shot img { max-height: 26rem; }
  .slow li { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr) auto; }
  .slow small { grid-row: 1; grid-column: 2; } }
@media (max-width: 34rem) { html { scroll-padding-top: .5rem; }
  main, header, footer { padding-left: .75rem; padding-right: .75rem; }
  section { padding: .9rem .8rem; } .full { padding: 0 .65rem; } .filter { position: static; }
  .filter small { display: none; } .steps pre { grid-column: 1 / -1; } pre { padding: .5rem; }
  .steps li { padding: .15rem 0; } .verdict { padding: .9rem; }
  .full > summary { flex-wrap: wrap; gap: 0 .5rem; } .what { flex: 1 1 70%; }
  .full > summary .aside { margin-left: 1.5em; } .attempts article { padding: .5rem; } }
@media print { @page { margin: 14mm; } html { font-size: 10pt; } body { background: #fff; }
  .filter, .again, button { display: none; } section { border: 0; padding: 0; }
  .verdict, .bar span { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .full, .steps li, .slow li, .shot { break-inside: avoid-page; } .full { break-inside: auto; }
  pre { max-height: none; } .film { flex-wrap: wrap; } iframe { display: none; }
  .shot[open] summary { position: static; background: none; padding: 0; }
  .full::details-content { content-visibility: visible; block-size: auto; } }
"""

SCRIPT = """
'use strict';
(() => {
const all = (what, where) => [...(where || document).querySelectorAll(what)];
for (const one of all('time')) {
  const at = new Date(one.dateTime);
  if (!isNaN(at)) { one.title = one.textContent; one.textContent = at.toLocaleString(undefined,
    {dateStyle: 'long', timeStyle: 'long'}); }
}
const cases = all('.case'), form = document.querySelector('.filter'), texts = new Map();
const textOf = one => { if (!texts.has(one)) {
  const group = one.parentElement.matches('.feature') ?
    one.parentElement.firstElementChild.textContent : '';
  texts.set(one, (group + ' ' + one.textContent).toLowerCase()); }
  return texts.get(one); };
const field = form && form.querySelector('[type=search]');
const filter = () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const wanted = new Set(all('[type=checkbox]:checked', form).map(box => box.value));
  let shown = 0;
  for (const one of cases) {
    one.hidden = !wanted.has(one.dataset.s) || !words.every(word => textOf(one).includes(word));
    shown += !one.hidden;
  }
  for (const group of all('.feature')) {
    group.hidden = !group.querySelector('.case:not([hidden])');
    if (words.length) group.open = !group.hidden;
  }
  for (const part of all('section')) if (part.querySelector('.case'))
    part.hidden = !part.querySelector('.case:not([hidden])');
  form.querySelector('output').textContent = shown === cases.length ? '' :
    shown + ' of ' + cases.length + ' shown';
};
const reveal = one => {
  for (let at = one; at; at = at.parentElement) if (at.matches('details')) at.open = true;
  one.scrollIntoView({block: 'start'});
  const head = one.querySelector('summary'); if (head) head.focus({preventScroll: true});
};
let current = null;
const go = by => {
  let list = cases.filter(one => !one.hidden && /^(failed|error|undefined)$/.test(one.dataset.s));
  if (!list.length) list = cases.filter(one => !one.hidden && one.matches('.full'));
  if (!list.length) return;
  const at = list.indexOf(current);
  current = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : (at + by + list.length) % list.length];
  reveal(current);
};
if (form) {
  form.hidden = false;
  form.addEventListener('input', filter);
  form.addEventListener('submit', event => event.preventDefault());
}
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') { for (const shot of all('.shot[open]')) shot.open = false;
    if (document.activeElement === field) field.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input')) return;
  if (event.key === 'j') go(1); else if (event.key === 'k') go(-1);
  else if (event.key === '/' && field) { event.preventDefault(); field.focus(); }
});
const toHash = () => {
  const one = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (one && one.matches('.case')) { one.hidden = false; current = one; reveal(one); } };
addEventListener('hashchange', toHash); toHash();
for (const button of all('button.source')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    const frame = button.closest('details').querySelector('iframe'), pre = frame.nextSibling;
    if (pre) { pre.remove(); frame.hidden = false; button.textContent = 'Show its source'; return; }
    const source = document.createElement('pre'); source.textContent = frame.srcdoc;
    frame.after(source); frame.hidden = true; button.textContent = 'Show the page';
  });
}
})();
"""
