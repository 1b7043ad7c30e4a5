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
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
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
