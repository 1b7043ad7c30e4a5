import type { ReactElement } from "react";
import { Icon } from "./icon";

// Buildings of colour and a picture: neither alone has to be seen.
export function tone(state: string, flaky = false): string {
  if (flaky && state === "passed") return "flaky";
  return { deployed: "passed", public: "passed", opened: "passed", "rolled-back": "failed", approved: "gate", asked: "gate", open: "gate",
    error: "failed", quarantined: "skipped", removed: "skipped" }[state] ?? state;
}

export function StateIcon({ state, flaky = false }: { state: string; flaky?: boolean }): ReactElement {
  const name = tone(state, flaky);
  return (
    <span className={`sw-dot sw-${name}`}>
      <Icon name={name} className={name === "running" ? "sw-spin" : ""} />
    </span>
  );
}

export function StateLabel({ state, word, flaky = false }:
  { state: string; word: string; flaky?: boolean }): ReactElement {
  return <span className={`sw-label sw-${tone(state, flaky)}`}><StateIcon state={state} flaky={flaky} />{word}</span>;
}
