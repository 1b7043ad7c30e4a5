// A date picker that zooms: days, months, years, decades. A click on the heading zooms out, a
// click on a cell zooms in or chooses. Without this script the fields are plain date fields.

import { LEVELS, canStep, grid, iso, move, parse, startOf, step, title, today } from "./zoom.js";

const KEYS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: "up", ArrowDown: "down" };

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

class Picker {
  constructor(input) {
    this.input = input;
    this.level = 0;
    input.type = "text";
    input.placeholder = "YYYY-MM-DD";
    input.autocomplete = "off";
    this.button = element("button", {
      type: "button", class: "quiet", "aria-haspopup": "dialog", "aria-expanded": "false",
      "aria-label": "Choose a date",
    });
    this.button.textContent = "▾";
    const line = element("div", { class: "date" });
    input.replaceWith(line);
    line.append(input, this.button);
    this.field = line.parentElement;
    this.button.addEventListener("click", () => (this.dialog ? this.close() : this.open()));
    this.field.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("pointerdown", (event) => {
      if (this.dialog && !this.field.contains(event.target)) this.close(false);
    });
    this.field.addEventListener("focusout", (event) => {
      if (this.dialog && event.relatedTarget && !this.field.contains(event.relatedTarget)) this.close(false);
    });
  }

  open() {
    this.level = 0;
    this.focus = parse(this.input.value) || today();
    this.dialog = element("div", { class: "picker", role: "dialog", "aria-label": "Choose a date" });
    this.field.append(this.dialog);
    this.button.setAttribute("aria-expanded", "true");
    this.draw(true);
  }

  close(back = true) {
    this.dialog.remove();
    this.dialog = null;
    this.button.setAttribute("aria-expanded", "false");
    if (back) this.button.focus();
  }

  draw(focusCell) {
    const rows = grid(this.level, this.focus).map((row) => this.row(row));
    const kind = this.level === 0 ? "picker-days" : "picker-wide";
    const body = element("div", {
      class: kind, role: "grid", "aria-label": title(this.level, this.focus),
      "data-level": LEVELS[this.level],
    });
    if (this.level === 0) body.append(this.weekdays());
    body.append(...rows);
    this.dialog.replaceChildren(this.head(), body);
    const wanted = focusCell ? '[role="gridcell"][tabindex="0"]' : `[data-part="${this.part}"]`;
    const target = this.dialog.querySelector(wanted);
    (target && !target.disabled ? target : this.dialog.querySelector('[tabindex="0"]')).focus();
  }

  head() {
    const outer = LEVELS[this.level + 1];
    const shown = title(this.level, this.focus);
    const middle = element("button", {
      type: "button", class: "picker-title", "data-part": "title", "aria-live": "polite",
      "aria-label": outer ? `${shown}, show ${outer}` : shown, disabled: outer ? false : "",
    }, shown);
    middle.addEventListener("click", () => this.zoomOut(false));
    return element("div", { class: "picker-head" }, this.turn(-1, "‹", "Earlier"), middle,
      this.turn(1, "›", "Later"));
  }

  turn(by, sign, label) {
    const made = element("button", {
      type: "button", "aria-label": label, "data-part": label,
      disabled: canStep(this.level, this.focus, by) ? false : "",
    }, sign);
    made.addEventListener("click", () => {
      this.part = label;
      this.focus = step(this.level, this.focus, by);
      this.draw(false);
    });
    return made;
  }

  weekdays() {
    const names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    return element("div", { class: "picker-row", role: "row" }, ...names.map((name) =>
      element("span", { role: "columnheader", "aria-label": name }, name.slice(0, 2))));
  }

  row(cells) {
    return element("div", { class: "picker-row", role: "row" }, ...cells.map((cell) => this.cell(cell)));
  }

  cell(cell) {
    if (!cell) return element("span", { role: "gridcell" });
    const same = (day) => day && iso(startOf(this.level, day)) === iso(startOf(this.level, cell.start));
    const classes = [cell.inside ? "" : "outside", same(today()) ? "current" : ""];
    const made = element("button", {
      type: "button", role: "gridcell", class: classes.join(" ").trim() || undefined,
      tabindex: same(this.focus) ? "0" : "-1", "aria-label": cell.name,
      "aria-selected": String(Boolean(same(parse(this.input.value)))),
      "aria-current": same(today()) ? "date" : undefined,
    }, cell.label);
    made.addEventListener("click", () => this.take(cell.start));
    return made;
  }

  take(day) {
    this.focus = day;
    if (this.level > 0) {
      this.level -= 1;
      this.draw(true);
      return;
    }
    this.input.value = iso(day);
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
  }

  zoomOut(focusCell) {
    if (this.level >= LEVELS.length - 1) return;
    this.level += 1;
    this.part = "title";
    this.draw(focusCell);
  }

  key(event) {
    if (!this.dialog) {
      if (event.key === "ArrowDown" && event.target === this.input) {
        event.preventDefault();
        this.open();
      }
      return;
    }
    if (event.key === "Escape") this.close();
    else if (event.target.getAttribute("role") !== "gridcell" || !this.travel(event)) return;
    event.preventDefault();
  }

  // Moves over the cells; says if the key meant anything.
  travel(event) {
    const across = this.level === 0 ? 7 : 4;
    const by = { up: -across, down: across }[KEYS[event.key]] ?? KEYS[event.key];
    if (event.key === "Backspace" || (event.ctrlKey && event.key === "ArrowUp")) {
      this.zoomOut(true);
    } else if (event.key === "PageUp" || event.key === "PageDown") {
      this.focus = step(this.level, this.focus, event.key === "PageUp" ? -1 : 1);
      this.draw(true);
    } else if (by) {
      this.focus = move(this.level, this.focus, by);
      this.draw(true);
    } else return false;
    return true;
  }
}

document.querySelectorAll("input[data-picker]").forEach((input) => new Picker(input));
