"""JavaScript that a session runs in the page: one call where WebDriver would need several."""

from __future__ import annotations

_VISIBLE = """
const visible = e => {
  const box = /^(OPTION|OPTGROUP)$/.test(e.tagName) ? e.closest('select') || e : e;
  return box.checkVisibility
    ? box.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
    : box.getClientRects().length > 0 && getComputedStyle(box).visibility === 'visible';
};
"""
_CHANGED = """
const changed = e => {
  e.dispatchEvent(new Event('input', {bubbles: true}));
  e.dispatchEvent(new Event('change', {bubbles: true}));
};
"""

#: The text of the page; "" while it has none.
PAGE_TEXT = """
const body = document.body || document.documentElement;
return body ? (body.innerText ?? body.textContent) || '' : '';
"""

PAGE_HTML = """
const kind = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '';
return kind + (document.documentElement ? document.documentElement.outerHTML : '');
"""

VISIBLE = _VISIBLE + "return visible(arguments[0]);"

#: The text of something that is not shown is not read by anyone.
TEXT = (
    _VISIBLE
    + """
const e = arguments[0];
if (/^(OPTION|OPTGROUP)$/.test(e.tagName)) return e.label || e.textContent;
if (!visible(e)) return '';
return e.innerText ?? e.textContent;
"""
)

TAG = "return arguments[0].localName;"
ATTRIBUTE = "return arguments[0].getAttribute(arguments[1]);"
VALUE = """
const e = arguments[0];
return String(('value' in e ? e.value : e.isContentEditable ? e.innerText : '') ?? '');
"""
CHECKED = "const e = arguments[0]; return Boolean(e.checked || e.selected);"

#: Whether something can be clicked and stays where it is. The latter is asked only where an
#: animation runs: that takes two frames.
AT_REST = """
const e = arguments[0];
if (e.matches(':disabled')) return 'disabled';
e.scrollIntoViewIfNeeded ? e.scrollIntoViewIfNeeded() : e.scrollIntoView({block: 'nearest'});
let moving = false;
for (let up = e; up && up.getAnimations; up = up.parentElement)
  // What turns for ever would never rest.
  moving = moving || up.getAnimations().some(
    a => a.playState === 'running' && a.effect.getComputedTiming().endTime !== Infinity);
if (!moving) return true;
const place = () => { const r = e.getBoundingClientRect(); return `${r.x} ${r.y}`; };
const before = place();
return new Promise(done => {
  setTimeout(() => done(true), 200);
  requestAnimationFrame(() => requestAnimationFrame(() => done(place() === before)));
});
"""

#: Brings an element to where nothing that stays at an edge of the window covers it.
CENTRE = "arguments[0].scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'});"

#: Sets a field whose typing depends on the locale, or prepares one for typing.
FILL = (
    _VISIBLE
    + _CHANGED
    + """
const [e, text, pasted] = arguments;
const type = e.localName === 'input' ? e.type : e.isContentEditable ? 'editable' : e.localName;
const told = said => ({said, type, value: String(e.value ?? '')});
if (/^(checkbox|radio|file|submit|button|image|reset|hidden)$/.test(type)) return told('kind');
if (!/^(textarea|editable)$/.test(type) && e.localName !== 'input') return told('kind');
if (e.matches(':disabled')) return told('disabled');
if (e.readOnly) return told('read-only');
if (!visible(e)) return told('hidden');
e.focus();
if (/^(date|time|datetime-local|month|week|number|range|color)$/.test(type)) {
  // The prototype's own setter: frameworks that watch the element's would not see a change.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(e, text);
  changed(e);
  return told('set');
}
if (type === 'editable') getSelection().selectAllChildren(e);
else e.select();
const held = type === 'editable' ? e.textContent : e.value;
if (text === '') {
  if (held !== '') document.execCommand('delete');
  return told('set');
}
if (!pasted) return told('type');
if (!document.execCommand('insertText', false, text) && type !== 'editable') {
  e.value = text;
  changed(e);
}
return told('set');
"""
)

CHOOSE = (
    _VISIBLE
    + _CHANGED
    + """
const [e, wanted, add] = arguments;
const fold = text => text.replace(/\\s+/g, ' ').trim();
if (e.localName !== 'select') return {said: 'kind', tag: e.localName};
const all = [...e.options];
const found = all.find(o => fold(o.text) === fold(wanted) || fold(o.label) === fold(wanted))
  || all.find(o => o.value === wanted);
if (!found) return {said: 'none', options: all.map(o => fold(o.text))};
if (e.matches(':disabled') || found.matches(':disabled') || found.parentElement.disabled)
  return {said: 'disabled'};
e.focus();
const before = all.map(o => o.selected).join();
if (!(add && e.multiple)) for (const o of all) if (o !== found) o.selected = false;
found.selected = true;
if (all.map(o => o.selected).join() !== before) changed(e);
return {said: 'chosen'};
"""
)

#: What is to be known before a box is clicked.
BOX = (
    _VISIBLE
    + """
const e = arguments[0];
const label = e.labels ? [...e.labels].find(visible) : undefined;
return {
  type: e.localName === 'input' ? e.type : e.localName,
  checked: Boolean(e.checked),
  disabled: e.matches(':disabled'),
  visible: visible(e),
  // A click in the middle of a label that holds a link would follow the link.
  label: label && !label.querySelector('a, button') ? label : null,
  labelled: Boolean(label),
};
"""
)

CLICK = "arguments[0].click();"

FILES = """
const e = arguments[0];
return {
  file: e.localName === 'input' && e.type === 'file',
  multiple: Boolean(e.multiple),
  disabled: e.matches(':disabled'),
  filled: Boolean(e.files && e.files.length),
};
"""

#: Finds what an XPath finds; the ids that labels are for stand in for the search for the labels.
FIND = """
const [xpath, context, searches, most] = arguments;
const all = (path, from) => {
  const found = document.evaluate(path, from, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
  return Array.from({length: found.snapshotLength}, (_, at) => found.snapshotItem(at));
};
const quoted = text => text.includes('"') ? `'${text}'` : `"${text}"`;
let quick = xpath;
for (const [search, labels] of searches) {
  const ids = all(labels, document).map(one => one.value);
  if (ids.length > most || ids.some(one => one.includes('"') && one.includes("'"))) continue;
  const said = ids.map(one => `@id = ${quoted(one)}`).join(' or ') || 'false()';
  quick = quick.split(search).join(`(${said})`);
}
return all(quick, context || document);
"""

NEXT_TASK = "return new Promise(done => setTimeout(done, 0));"

#: WebDriver clears no hidden field.
NO_FILES = "arguments[0].value = '';"

CLEAR_STORAGE = "try { localStorage.clear(); sessionStorage.clear(); } catch (refused) {}"
