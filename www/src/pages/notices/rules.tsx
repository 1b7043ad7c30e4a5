// One's own rules. They are sent whole; the server checks each and says what is wrong.
import { type ReactElement, useId, useState } from "react";
import { send } from "../../api/client";
import type { NoticeSettings, OwnRule } from "../../api/shapes";
import { useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { ProblemBox } from "../../parts/problem";
import { type Draft, draftOf, hoursOf, ruleOf } from "./drafts";
import { RuleFields } from "./rule";

const ZONES: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((one) => one !== "UTC")];
const MOST = 50;

interface Props { settings: NoticeSettings; saved: boolean; keep: (rules: NoticeSettings["rules"]) => void }

export function RulesForm({ settings, saved, keep }: Props): ReactElement {
  const { rules } = settings;
  const [zone, setZone] = useState(rules["time-zone"] ?? "UTC");
  const [from, setFrom] = useState(hoursOf(rules.quiet)[0]);
  const [to, setTo] = useState(hoursOf(rules.quiet)[1]);
  const [drafts, setDrafts] = useState<Draft[]>((rules.rules ?? []).map(draftOf));
  const [touched, setTouched] = useState(false);
  const action = useAction();
  const zones = useId();
  const half = (from === "") !== (to === "");
  const put = (at: number, next: Draft) => { setTouched(true); setDrafts(drafts.map((one, index) => (index === at ? next : one))); };
  const move = (at: number, by: number) => {
    const next = [...drafts];
    const [one] = next.splice(at, 1);
    if (one) next.splice(at + by, 0, one);
    setTouched(true);
    setDrafts(next);
  };
  const save = async () => {
    const own: OwnRule[] = drafts.map(ruleOf);
    const body = { rules: { "time-zone": zone, quiet: from ? `${from}-${to}` : "", rules: own } };
    await action.run(async () => keep((await send<NoticeSettings>("notices/rules", body)).rules));
    setTouched(false);
  };
  return (
    <section className="sw-card" aria-label="Your rules">
      <h2>Your rules</h2>
      <p className="sw-note">Without a rule you are told of what concerns you: runs that your commits broke, gates that you may open, what you have started.
        The first rule that fits counts, before all that the site says.</p>
      <form className="sw-notice-form" onSubmit={(event) => { event.preventDefault(); void save(); }}>
        <div className="sw-notice-line">
          <label className="sw-field">Quiet from<input className="sw-input" type="time" value={from} onChange={(event) => { setTouched(true); setFrom(event.target.value); }} aria-invalid={half && !from} /></label>
          <label className="sw-field">to<input className="sw-input" type="time" value={to} onChange={(event) => { setTouched(true); setTo(event.target.value); }} aria-invalid={half && !to} /></label>
          <label className="sw-field">Time zone<input className="sw-input" list={zones} value={zone} maxLength={60} onChange={(event) => { setTouched(true); setZone(event.target.value); }} /></label>
          <datalist id={zones}>{ZONES.map((one) => <option key={one} value={one} />)}</datalist>
        </div>
        <p className="sw-hint">In quiet hours nothing is sent to you; it comes at their end. Leave both empty to have none.</p>
        {half && <p className="sw-error" role="alert">Quiet hours have a beginning and an end: fill in both, or none.</p>}
        <ol className="sw-notice-rules">{drafts.map((draft, at) => (
          <li key={draft.key} aria-label={`Rule ${at + 1}`}>
            <RuleFields draft={draft} settings={settings} change={(next) => put(at, next)} />
            <div className="sw-actions">
              <button type="button" className="sw-button sw-small" disabled={at === 0} onClick={() => move(at, -1)} aria-label={`Move rule ${at + 1} up`}>Up</button>
              <button type="button" className="sw-button sw-small" disabled={at === drafts.length - 1} onClick={() => move(at, 1)} aria-label={`Move rule ${at + 1} down`}>Down</button>
              <button type="button" className="sw-button sw-small sw-danger-quiet" onClick={() => { setTouched(true); setDrafts(drafts.filter((_, index) => index !== at)); }} aria-label={`Remove rule ${at + 1}`}>Remove</button>
            </div>
          </li>))}</ol>
        {action.problem && <ProblemBox problem={action.problem} />}
        <div className="sw-foot">
          <button type="button" className="sw-button sw-first" disabled={drafts.length >= MOST} onClick={() => { setTouched(true); setDrafts([...drafts, draftOf({})]); }}>Add a rule</button>
          <span role="status" className="sw-meta">{saved && !touched && !action.busy && !action.problem ? <><Icon name="passed" /> Saved.</> : ""}</span>
          <button type="submit" className="sw-button sw-primary" disabled={action.busy || half}>{action.busy ? "Saving …" : "Save"}</button>
        </div>
      </form>
    </section>
  );
}
