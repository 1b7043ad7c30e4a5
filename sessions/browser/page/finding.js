// Finding in the page. What is sought is a way: a list of steps, each counted from what the one
// before has found. A step is an element, or a list of [xpath, searches for labels], best first.

const MOST_LABELS = 50;

const evaluated = (path, from) => {
  try {
    const found = document.evaluate(path, from, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    return Array.from({length: found.snapshotLength}, (_, at) => found.snapshotItem(at));
  } catch (wrong) {
    // chromedriver takes the code of a DOMException for one of its own.
    throw new Error(wrong.message);
  }
};

// The ids that labels are for stand in for the search for the labels, which is slow.
const quick = (xpath, searches) => {
  const quoted = text => text.includes('"') ? `'${text}'` : `"${text}"`;
  for (const [search, labels] of searches) {
    const ids = evaluated(labels, document).map(one => one.value);
    if (ids.length > MOST_LABELS) continue;
    if (ids.some(one => one.includes('"') && one.includes("'"))) continue;
    const said = ids.map(one => `@id = ${quoted(one)}`).join(' or ') || 'false()';
    xpath = xpath.split(search).join(`(${said})`);
  }
  return xpath;
};

const all = ([xpath, searches], from) => {
  const found = evaluated(quick(xpath, searches), from || document);
  if (found.every(one => one.nodeType === Node.ELEMENT_NODE)) return found;
  throw new Error(`the XPath ${xpath} finds what is no element`);
};

// Whether a person can see it.
const seen = e => {
  const box = /^(OPTION|OPTGROUP)$/.test(e.tagName) ? e.closest('select') || e : e;
  return box.checkVisibility
    ? box.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
    : box.getClientRects().length > 0 && getComputedStyle(box).visibility === 'visible';
};

// What can be seen goes before what is hidden, and what is called exactly so before the rest.
const preferred = (step, from) => {
  let hidden = null;
  for (const path of step) {
    const found = all(path, from);
    const first = found.find(seen);
    if (first) return first;
    hidden = hidden || found[0];
  }
  return hidden;
};

// Returns {element}, or {missing: the number of the step that finds nothing}.
const sought = what => {
  let element = null;
  for (const [at, step] of what.entries()) {
    element = Array.isArray(step) ? preferred(step, element) : step.isConnected ? step : null;
    if (!element) return {missing: at};
  }
  return {element};
};
