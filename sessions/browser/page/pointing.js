// Pointing: the pointer is WebDriver's, and comes a moment after the checks. What it does is
// judged here when it comes, and reaches the page only if the right element gets it.

const ARMED = Symbol.for('slipway.pointer');
const KINDS = ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click', 'auxclick'];

class Watch {
  // The aim finds anew what is to be clicked; the state is asked for once it was.
  constructor(aim, state) {
    this.aim = aim;
    this.state = state;
    this.said = null;
    this.hear = event => this.judge(event);
    for (const kind of KINDS) window.addEventListener(kind, this.hear, {capture: true});
  }

  judge(event) {
    if (!event.isTrusted) return;
    if (!this.said) {
      if (!/^(pointer|mouse)down$/.test(event.type)) return;
      this.said = this.verdict(event);
    }
    if (!this.said.why) this.note(event);
    if (this.said.why) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    // The click comes in the same task.
    if (event.type === 'mouseup') setTimeout(() => this.leave(), 0);
  }

  verdict(event) {
    const {element} = this.aim();
    if (!element) return {why: 'left'};
    this.element = element;
    const why = hidden(element) || disabled(element);
    if (why) return why;
    const by = cover(element, event.clientX, event.clientY);
    return by ? {why: 'covered', by: named(by)} : {};
  }

  // A page that draws anew between press and release gets no click, or one on what is around it.
  // Where it does so because of the press, it has had what it wants.
  note(event) {
    if (event.type === 'mousedown') {
      const look = () => { this.held = this.held ?? this.element.isConnected; };
      // Once the page's own listeners have heard of it, or in a task of its own if they keep it.
      window.addEventListener('mousedown', look, {once: true});
      const later = new MessageChannel();
      later.port1.onmessage = () => {
        look();
        window.removeEventListener('mousedown', look);
        later.port1.close();
      };
      later.port2.postMessage(0);
    }
    if (event.type === 'mouseup' && this.held && !this.element.isConnected)
      this.said = {why: 'torn'};
  }

  leave() {
    for (const kind of KINDS) window.removeEventListener(kind, this.hear, {capture: true});
  }

  end() {
    this.leave();
    if (!this.said) return {why: 'deaf'};
    return this.said.why ? this.said : {...this.said, ...this.state()};
  }
}

const disarm = () => {
  const watch = window[ARMED];
  delete window[ARMED];
  return watch ? watch.end() : null;
};

// Counts a point from the page's root, which no page draws anew, and which is gone with the page.
const counted = (e, {x, y}) => {
  for (const origin of [document.documentElement, document.body, e]) {
    const one = origin && origin.getClientRects()[0];
    if (!one) continue;
    const left = middle(one.left, one.right, innerWidth);
    const top = middle(one.top, one.bottom, innerHeight);
    if (left !== null && top !== null) return {origin, x: x - left, y: y - top};
  }
  return {why: 'outside'};
};

// Returns {origin, x, y} with the watch set, or why what an aim finds cannot be clicked now.
const aimed = async (aim, state = () => ({})) => {
  disarm();
  let first = aim().element;
  if (first && animated(first)) {
    // Between frames an animation may tell already where it will be in the next.
    await frame();
    first = aim().element;
  }
  const before = first && box(first);
  if (first) await frame();
  const {element, missing} = aim();
  if (!element) return {missing};
  const why = hidden(element) || disabled(element);
  if (why) return why;
  if (box(element) !== before && !restless(element)) return {why: 'moving'};
  const at = reached(element);
  if (at.why) return at;
  const found = counted(element, at);
  if (!found.why) window[ARMED] = new Watch(aim, state);
  return found;
};
