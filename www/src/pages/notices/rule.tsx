import type { ReactElement } from "react";
import type { NoticeSettings } from "../../api/shapes";
import type { Draft } from "./drafts";

interface Props { draft: Draft; settings: NoticeSettings; change: (next: Draft) => void }

const LISTS = [
  ["projects", "Projects", "all projects"],
  ["branches", "Branches", "all branches; a star stands for anything"],
  ["environments", "Environments", "all environments"],
] as const;

export function RuleFields({ draft, settings, change }: Props): ReactElement {
  const known = settings.channels.some((one) => one.name === draft.channel);
  return (
    <div className="sw-notice-rule">
      <div className="sw-notice-line">
        <label className="sw-field">What to do
          <select className="sw-input" value={draft.tell ? "tell" : "mute"} onChange={(event) => change({ ...draft, tell: event.target.value === "tell" })}>
            <option value="tell">Tell me</option><option value="mute">Do not tell me</option>
          </select></label>
        <label className="sw-field">By
          <select className="sw-input" value={draft.channel} onChange={(event) => change({ ...draft, channel: event.target.value })}>
            <option value="">any channel</option>
            {settings.channels.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
            {draft.channel && !known && <option value={draft.channel}>{draft.channel} (not there any more)</option>}
          </select></label>
        <label className="sw-field">When
          <select className="sw-input" value={draft.tell ? draft.digest : ""} disabled={!draft.tell} onChange={(event) => change({ ...draft, digest: event.target.value as Draft["digest"] })}>
            <option value="">at once</option><option value="day">once a day, at 8</option><option value="week">once a week, on Mondays</option>
          </select></label>
      </div>
      <Events draft={draft} settings={settings} change={change} />
      <div className="sw-notice-line">{LISTS.map(([name, label, hint]) => (
        <label key={name} className="sw-field">{label}
          <input className="sw-input" value={draft[name]} maxLength={2000} placeholder={hint} onChange={(event) => change({ ...draft, [name]: event.target.value })} />
        </label>))}</div>
    </div>
  );
}

function Events({ draft, settings, change }: Props): ReactElement {
  const chosen = new Set(draft.events);
  const words = settings.events.filter((one) => chosen.has(one.event)).map((one) => one.what).join(", ");
  const turn = (event: Draft["events"][number], on: boolean) =>
    change({ ...draft, events: on ? [...draft.events, event] : draft.events.filter((one) => one !== event) });
  return (
    <details className="sw-details">
      <summary>Of {words || "everything that happens"}</summary>
      <fieldset className="sw-options"><legend className="sw-visually-hidden">Events</legend>
        {settings.events.map((one) => (
          <label key={one.event}><input type="checkbox" checked={chosen.has(one.event)} onChange={(event) => turn(one.event, event.target.checked)} /> {one.what}</label>))}
      </fieldset>
    </details>
  );
}
