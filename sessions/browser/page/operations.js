// What a session does in the page: each operation is one script, so that nothing changes between looking
// and doing.

const TYPED = Symbol.for('slipway.typed');

const label = e => e.labels ? [...e.labels].find(seen) : undefined;
const kindOf = e => e.localName === 'input' ? e.type : e.isContentEditable ? 'editable' : e.localName;

const changed = e => {
  e.dispatchEvent(new Event('input', {bubbles: true}));
  e.dispatchEvent(new Event('change', {bubbles: true}));
};

// Does something with what is sought, or says why it is not there.
const having = operation => (what, ...more) => {
  const {element, missing} = sought(what);
  return element ? operation(element, ...more) : {missing};
};

const operations = {
  find: having(element => ({element})),

  all(what) {
    const {element, missing} = what.length > 1 ? sought(what.slice(0, -1)) : {element: null};
    if (missing !== undefined) return {missing};
    return {elements: all(what[what.length - 1][0], element)};
  },

  name: having(e => ({value: named(e)})),
  tag: having(e => ({value: e.localName})),
  attribute: having((e, name) => ({value: e.getAttribute(name)})),
  checked: having(e => ({value: Boolean(e.checked || e.selected)})),
  visible: having(e => ({value: seen(e)})),
  value: having(e => (
    {value: String(('value' in e ? e.value : e.isContentEditable ? e.innerText : '') ?? '')}
  )),

  // The text of something that is not shown is not read by anyone.
  text: having(e => {
    if (/^(OPTION|OPTGROUP)$/.test(e.tagName)) return {value: e.label || e.textContent};
    return {value: seen(e) ? e.innerText ?? e.textContent : ''};
  }),

  async click(what) {
    const {element} = sought(what);
    if (element && kindOf(element) === 'file') return {why: 'file'};
    if (element && element.localName === 'option') return {option: element};
    return aimed(() => sought(what));
  },

  // Where the box itself is not to be reached, its label is: styled boxes hide the real one.
  async check(what, wanted) {
    const {element: e, missing} = sought(what);
    if (!e) return {missing};
    const kind = kindOf(e);
    if (kind !== 'checkbox' && kind !== 'radio') return {why: 'no-box', by: kind};
    if (e.checked === wanted) return {done: true};
    const why = disabled(e);
    if (why) return why;
    if (!wanted && kind === 'radio') return {why: 'radio'};
    const state = () => {
      const now = sought(what).element;
      return now ? {checked: now.checked, same: now === e} : {};
    };
    const own = await aimed(() => sought(what), state);
    const by = own.why && own.why !== 'moving' ? label(e) : null;
    if (!by) return own;
    if (!by.querySelector('a, button')) {
      return aimed(() => {
        const now = sought(what);
        return now.element ? {element: label(now.element) || now.element} : now;
      }, state);
    }
    if (own.why === 'covered') return own;
    // A click in the middle of a label that holds a link would follow the link.
    e.click();
    return {done: true};
  },

  // Tells what became of a click, once the page has had time to begin what it asks for; null where
  // another page is shown.
  async clicked() {
    await new Promise(done => setTimeout(done, 0));
    return disarm();
  },

  // Sets a field whose typing depends on the locale, or prepares one for typing.
  fill: having((e, text, pasted) => {
    const type = kindOf(e);
    const done = action => ({action, type, element: e, value: String(e.value ?? '')});
    if (/^(checkbox|radio|file|submit|button|image|reset|hidden)$/.test(type))
      return {why: 'no-text', by: type};
    if (!/^(textarea|editable)$/.test(type) && e.localName !== 'input')
      return {why: 'no-text', by: type};
    const why = disabled(e) || readOnly(e) || hidden(e);
    if (why) return why;
    if (e.localName === 'input') text = text.replace(/\n/g, '');
    e.focus();
    if (!e.isConnected) return {why: 'left'};
    if (/^(date|time|datetime-local|month|week|number|range|color)$/.test(type)) {
      // The prototype's own setter: frameworks that watch the element's would not see a change.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(e, text);
      changed(e);
      return done('set');
    }
    if (type === 'editable') getSelection().selectAllChildren(e);
    else e.select();
    const held = type === 'editable' ? e.textContent : e.value;
    if (text === '') {
      if (held !== '') document.execCommand('delete');
      return done('set');
    }
    if (!pasted) {
      window[TYPED] = e;
      return {...done('type'), text};
    }
    if (!document.execCommand('insertText', false, text) && type !== 'editable') {
      e.value = text;
      changed(e);
    }
    return done('set');
  }),

  // Whether the field that was typed into is still the one that is meant, or holds the same.
  filled(what, text) {
    const typed = window[TYPED];
    delete window[TYPED];
    const {element} = sought(what);
    return {kept: !typed || !element || element === typed || element.value === text};
  },

  choose: having((e, wanted, add) => {
    const fold = text => text.replace(/\s+/g, ' ').trim();
    if (e.localName !== 'select') return {why: 'no-list', by: e.localName};
    const options = [...e.options];
    const found = options.find(o => fold(o.text) === fold(wanted) || fold(o.label) === fold(wanted))
      || options.find(o => o.value === wanted);
    const why = disabled(e) || hidden(e);
    if (why) return why;
    if (!found) return {options: options.map(o => fold(o.text))};
    if (found.matches(':disabled') || found.parentElement.disabled) return {why: 'no-option', by: wanted};
    e.focus();
    const before = options.map(o => o.selected).join();
    if (!(add && e.multiple)) for (const o of options) if (o !== found) o.selected = false;
    found.selected = true;
    if (options.map(o => o.selected).join() !== before) changed(e);
    return {};
  }),

  // Makes a file field ready for files; WebDriver clears no hidden one.
  attach: having((e, count) => {
    if (kindOf(e) !== 'file') return {why: 'no-files', by: kindOf(e)};
    if (count > 1 && !e.multiple) return {why: 'one-file', by: String(count)};
    const why = disabled(e);
    if (why) return why;
    if (e.files.length) e.value = '';
    return {element: e};
  }),
};

const [operation, ...given] = arguments;
return operations[operation](...given);
