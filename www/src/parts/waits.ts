// Notices of the browser itself: a gate begins to wait for this very person. Only while a page of
// the site is open; what is shown is plain text, whatever it holds.
import { useEffect, useState } from "react";
import { useMe } from "../api/current-user";
import type { Gate, Page } from "../api/shapes";
import { useFound } from "../api/store";

const SWITCH = "slipway-notices";
const SEEN = "slipway-notices-seen";
const MOST_SEEN = 300;
const MOST_SHOWN = 3;
const TURNED = "slipway-notices-turned";

export type Permission = "unknown" | "default" | "granted" | "denied";

// Browsers have it on https and on this machine alone.
export function permission(): Permission {
  return typeof Notification === "undefined" ? "unknown" : Notification.permission;
}

export function isOn(): boolean {
  return read(SWITCH) === "on" && permission() === "granted";
}

// The browser asks the person only after a click.
export async function turnOn(): Promise<boolean> {
  if (permission() === "unknown") return false;
  if ((await Notification.requestPermission()) !== "granted") return false;
  write(SWITCH, "on");
  window.dispatchEvent(new Event(TURNED));
  return true;
}

export function turnOff(): void {
  write(SWITCH, "");
  window.dispatchEvent(new Event(TURNED));
}

export function useIsOn(): boolean {
  const [on, setOn] = useState(isOn);
  useEffect(() => {
    const look = () => setOn(isOn());
    window.addEventListener(TURNED, look);
    // Another tab has turned it.
    window.addEventListener("storage", look);
    return () => {
      window.removeEventListener(TURNED, look);
      window.removeEventListener("storage", look);
    };
  }, []);
  return on;
}

// What names one waiting: a gate that is asked anew waits anew, and for each who signs in here.
export function nameOf(gate: Pick<Gate, "id" | "asked_at">, person: string): string {
  return `${person}/${gate.id}@${gate.asked_at ?? 0}`;
}

// Control characters, and marks that turn the direction of what follows: a notice isolates nothing.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;
const LONGEST = 120;

export function plain(text: string): string {
  const found = [...text.slice(0, 4 * LONGEST).replace(UNSEEN, " ").replace(/\s+/g, " ").trim()];
  return found.length > LONGEST ? `${found.slice(0, LONGEST - 1).join("")}…` : found.join("");
}

// Those of `gates` that wait for the person and were not told of yet.
export function unseen<T extends Pick<Gate, "id" | "asked_at" | "ready" | "may">>(gates: readonly T[], seen: ReadonlySet<string>, person: string): T[] {
  return gates.filter((gate) => gate.ready && (gate.may.open || gate.may.approve) && !seen.has(nameOf(gate, person)));
}

export function useWaits(): void {
  const on = useIsOn();
  const me = useMe();
  const person = me && !me.anonymous ? me.name : "";
  const gates = useFound<Page<Gate>>(on && person ? "gates?limit=50" : null).data?.items;
  useEffect(() => {
    if (!gates || !person || !isOn()) return;
    // Read anew each time: all tabs share it, and each wait is told of by one of them.
    const known = readSeen();
    const seen = known ?? new Set<string>();
    const here = `${person}/`;
    const first = !seen.has(here);
    const found = unseen(gates, seen, person);
    if (found.length === 0 && !first) return;
    // The newest stand last, and who has looked is not forgotten before them.
    seen.delete(here);
    found.forEach((gate) => seen.add(nameOf(gate, person)));
    seen.add(here);
    write(SEEN, JSON.stringify([...seen].slice(-MOST_SEEN)));
    // What waits already when it is turned on, and what the person looks at, is on the page.
    if (first || document.hasFocus()) return;
    found.slice(0, MOST_SHOWN).forEach((gate) => show(gate, person));
  }, [gates, person]);
}

function show(gate: Gate, person: string): void {
  const notice = new Notification(`${plain(gate.stage)} waits for you`, {
    body: plain(`${gate.project} ${gate.version}: ${gate.subject}`),
    // The same from two tabs is shown once.
    tag: `slipway-gate-${nameOf(gate, person)}`,
  });
  notice.onclick = () => {
    window.focus();
    window.location.hash = `#/pipelines?gate=${gate.id}`;
    notice.close();
  };
}

function readSeen(): Set<string> | null {
  try {
    const found: unknown = JSON.parse(read(SEEN) || "null");
    return Array.isArray(found) ? new Set(found.filter((one) => typeof one === "string")) : null;
  } catch {
    return null;
  }
}

// A browser may forbid to keep anything.
function read(key: string): string {
  try {
    return window.localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function write(key: string, text: string): void {
  try {
    window.localStorage.setItem(key, text);
  } catch {
    // It is asked for again next time.
  }
}
