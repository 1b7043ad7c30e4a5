// What must be so before something is done with an element, as Playwright's table of actionability
// has it. Each check returns null, or {why, by}: the words are in refusals.py.

// A window that is not shown draws no frames; a busy machine takes long for one.
const LONGEST_FRAME = 2000;

const parent = e => e.assignedSlot || e.parentElement || e.getRootNode().host || null;
const lineage = function* (e) { for (; e; e = parent(e)) yield e; };

const named = e => {
  const said = ['id', 'class', 'role', 'type', 'name']
    .filter(name => e.getAttribute(name))
    .map(name => ` ${name}="${e.getAttribute(name).trim().slice(0, 40)}"`);
  return `<${e.localName}${said.slice(0, 2).join('')}>`;
};

const area = e => {
  const map = e.closest('map');
  const image = map && [...document.images].find(one => one.useMap === `#${map.name}`);
  if (!image) return [];
  const place = image.getBoundingClientRect();
  const at = e.coords.split(/[\s,]+/).map(Number);
  const [x, y, wide, high] = e.shape === 'default' ? [0, 0, place.width, place.height]
    : e.shape === 'circle' ? [at[0] - 1, at[1] - 1, 2, 2]
    : [at[0], at[1], at[2] - at[0], at[3] - at[1]];
  return [new DOMRect(place.x + x, place.y + y, wide, high)];
};

// The rectangles in which it is drawn. A link around a floating image has none of its own.
const rects = e => {
  if (e.localName === 'area') return area(e);
  const sized = [...e.getClientRects()].filter(one => one.width > 0 && one.height > 0);
  if (sized.length) return sized;
  for (const inner of e.querySelectorAll('*')) {
    const found = [...inner.getClientRects()].filter(one => one.width > 0 && one.height > 0);
    if (found.length && getComputedStyle(inner).visibility === 'visible') return found;
  }
  return [];
};

const hidden = e => {
  if (e.localName === 'area') return null;
  for (const up of lineage(e)) {
    if (getComputedStyle(up).display !== 'none') continue;
    return {why: 'hidden', by: `display: none${up === e ? '' : ` of ${named(up)}`}`};
  }
  if (getComputedStyle(e).visibility !== 'visible') return {why: 'hidden', by: 'visibility: hidden'};
  if (e.checkVisibility && !e.checkVisibility()) return {why: 'hidden', by: 'it is in what is closed'};
  return rects(e).length ? null : {why: 'empty'};
};

// What takes a click on a thing: a click on the text of a button is a click on the button.
const taking = e => /^(input|textarea|select)$/.test(e.localName) || e.isContentEditable
  ? e : e.closest('button, [role=button], a, [role=link]') || e;

const disabled = e => {
  const own = taking(e);
  if (own.matches(':disabled')) {
    const fieldset = own.closest('fieldset:disabled');
    return {why: 'disabled', by: fieldset && !own.disabled ? named(fieldset) : ''};
  }
  const said = own.closest('[aria-disabled]');
  if (!said || said.getAttribute('aria-disabled') !== 'true') return null;
  return {why: 'disabled', by: `aria-disabled${said === own ? '' : ` of ${named(said)}`}`};
};

const readOnly = e => e.readOnly || e.getAttribute('aria-readonly') === 'true'
  ? {why: 'read-only'} : null;

const deepest = (x, y) => {
  let found = null;
  for (let root = document; root;) {
    const at = root.elementFromPoint(x, y);
    if (!at || at === found) break;
    found = at;
    root = at.shadowRoot;
  }
  return found;
};

// Returns what gets a click at a point in place of an element; null where the element does.
const cover = (e, x, y) => {
  const own = taking(e);
  const root = e.getRootNode();
  let top = deepest(x, y);
  if (root.host && root.host === top && !top.shadowRoot) top = root.elementFromPoint(x, y);
  if (!top) return document.documentElement;
  for (const up of lineage(top)) if (up === own) return null;
  const label = top.closest('label');
  return label && label.control === e ? null : top;
};

const middle = (low, high, most) => {
  const [from, to] = [Math.max(0, low), Math.min(most, high)];
  return from < to ? Math.floor((from + to) / 2) : null;
};

const clipped = e => {
  const box = {left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity};
  for (const up of lineage(parent(e))) {
    if (up === document.body || up === document.documentElement) break;
    if (getComputedStyle(up).overflow === 'visible') continue;
    const own = up.getBoundingClientRect();
    box.left = Math.max(box.left, own.left);
    box.top = Math.max(box.top, own.top);
    box.right = Math.min(box.right, own.right);
    box.bottom = Math.min(box.bottom, own.bottom);
  }
  return box;
};

// Returns {x, y} where a click reaches an element, or why there is no such place.
const place = e => {
  let why = {why: 'outside'};
  for (const clips of [false, true])
    for (const one of rects(e).slice(0, 5)) {
      const box = clips ? clipped(e) : one;
      const x = middle(Math.max(one.left, box.left), Math.min(one.right, box.right), innerWidth);
      const y = middle(Math.max(one.top, box.top), Math.min(one.bottom, box.bottom), innerHeight);
      if (x === null || y === null) continue;
      const by = cover(e, x, y);
      if (!by) return {x, y};
      if (why.why === 'outside') why = {why: 'covered', by: named(by)};
    }
  if (why.why === 'covered' && getComputedStyle(taking(e)).pointerEvents === 'none')
    why.why = 'through';
  return why;
};

// Scrolls no more than it must: a header that stays in its place may cover what is at an edge.
const reached = e => {
  let found = null;
  for (const block of window === top ? ['', 'nearest', 'center', 'end', 'start'] : ['center', 'end']) {
    const drawn = e.getClientRects().length ? e : e.querySelector('*') || e;
    if (block) drawn.scrollIntoView({block, inline: 'nearest', behavior: 'instant'});
    const now = place(e);
    if (!now.why) return now;
    // The place where it is brought to the middle tells best what is in the way.
    if (!found || block === 'center') found = now;
  }
  return found;
};

const endings = function* (e) {
  for (const up of lineage(e)) for (const one of up.getAnimations ? up.getAnimations() : [])
    if (one.playState === 'running' && one.effect) yield one.effect.getComputedTiming().endTime;
};
const animated = e => !endings(e).next().done;
// What moves for ever would never rest, so it is used where it is.
const restless = e => [...endings(e)].includes(Infinity);

const box = e => {
  const one = e.getBoundingClientRect();
  return [one.x, one.y, one.width, one.height].join(' ');
};

const frame = () => document.hidden ? Promise.resolve() : new Promise(done => {
  setTimeout(done, LONGEST_FRAME);
  requestAnimationFrame(() => done());
});
