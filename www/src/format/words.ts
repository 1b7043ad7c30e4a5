// Sizes, hashes, counts and names of states, as people read them.
import type { Stage, State, Value } from "../api/shapes";

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (value < 999.5) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function short(revision: string): string {
  return revision.slice(0, 10);
}

// "Ann <ann@example.org>" is Ann to her colleagues.
export function author(text: string): string {
  return text.replace(/\s*<[^<>]*>\s*$/, "") || text;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const STATES: Record<State, string> = {
  waiting: "waiting for what comes before it",
  queued: "queued",
  running: "running",
  gate: "waits for you",
  passed: "passed",
  failed: "failed",
  cancelled: "cancelled",
  skipped: "skipped",
  unchanged: "nothing to release",
  rejected: "rejected",
  expired: "expired",
  "not-run": "not run: something before it has not passed",
};

export function stateWord(stage: Pick<Stage, "state" | "flaky">): string {
  return stage.flaky && stage.state === "passed" ? "passed, flaky" : STATES[stage.state];
}

const RUNS: Record<string, string> = { waiting: "waits for a person" };

export function runWord(state: string): string {
  return RUNS[state] ?? state;
}

const DEPLOYED: Record<string, string> = { "rolled-back": "failed, rolled back" };

export function deploymentWord(state: string): string {
  return DEPLOYED[state] ?? state;
}

export function valueText(value: Value | undefined): string {
  if (value === null || value === undefined) return "(none)";
  if (Array.isArray(value)) return value.length ? value.join(", ") : "(none)";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value) || "(empty)";
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
