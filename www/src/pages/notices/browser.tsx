import { type ReactElement, useState } from "react";
import { permission, turnOff, turnOn, useIsOn } from "../../parts/waits";

const SENTENCES: Record<string, string> = {
  unknown: "This browser shows notices of pages that come by https only.",
  denied: "This browser was told not to show notices of this site; allow them in its settings.",
};

export function BrowserSwitch(): ReactElement {
  const on = useIsOn();
  const [refused, setRefused] = useState(false);
  const state = permission();
  const sentence = SENTENCES[state] ?? (refused ? "The browser did not allow it." : "");
  const turn = async (wanted: boolean) => {
    if (!wanted) turnOff();
    else setRefused(!(await turnOn()));
  };
  return (
    <section className="sw-card" aria-label="This browser">
      <h2>This browser</h2>
      <label className="sw-switch"><input type="checkbox" role="switch" className="sw-switch-box" checked={on} disabled={state === "unknown" || state === "denied"}
        onChange={(event) => void turn(event.target.checked)} /> Show a notice when something waits for you</label>
      <p className="sw-hint">While a page of this site is open, in any tab. A click opens the dialog.</p>
      {sentence && <p className="sw-note" role="status">{sentence}</p>}
    </section>
  );
}
