// What is on its way, and what could not be sent.
import { type ReactElement, useMemo, useState } from "react";
import { send } from "../../api/client";
import { usePages } from "../../api/paging";
import type { NoticeDelivery } from "../../api/shapes";
import { count } from "../../format/words";
import { Ago, Empty, Spinner, Text } from "../../parts/atoms";
import { Confirmed } from "../../parts/action-button";
import { ProblemBox } from "../../parts/problem";
import { StateLabel } from "../../parts/status";

// The state, the word for people, and the colour of its mark.
const STATES: Record<NoticeDelivery["state"], [string, string]> = {
  waiting: ["waits", "queued"], failed: ["is tried again", "running"], sent: ["sent", "passed"], dead: ["dead letter", "failed"],
  gathered: ["in a digest", "skipped"], muted: ["not sent", "cancelled"],
};
const MOVABLE: readonly NoticeDelivery["state"][] = ["dead", "failed", "waiting"];

export function Outbox({ all }: { all: boolean }): ReactElement {
  const [state, setState] = useState("");
  const asked = useMemo(() => ({ state }), [state]);
  const rows = usePages<NoticeDelivery>("outbox", asked);
  const dead = rows.items?.filter((one) => one.state === "dead") ?? [];
  return (
    <section className="sw-card" aria-label="Outbox">
      <header className="sw-panel-head"><h2>{all ? "Outbox" : "Your notices"}</h2>
        <div className="sw-actions">
          {all && dead.length > 0 && <Confirmed label="Send dead letters again …" title={`Send ${count(dead.length, "dead letter")} again?`} confirm="Send again"
            act={() => send("outbox/resend", { ids: dead.map((one) => one.id) })}><p>Those of this list are tried again at once, and for three more days.</p></Confirmed>}
          <select className="sw-input sw-notice-state" aria-label="State" value={state} onChange={(event) => setState(event.target.value)}>
            <option value="">all states</option>
            {Object.entries(STATES).map(([name, [word]]) => <option key={name} value={name}>{word}</option>)}
          </select>
        </div></header>
      {rows.problem && !rows.items && <ProblemBox problem={rows.problem} />}
      {!rows.items && !rows.problem && <Spinner what="Looking at the outbox …" />}
      {rows.items?.length === 0 && <Empty title={state ? "No notice is in this state." : "Nothing was told yet."} />}
      {rows.items && rows.items.length > 0 && <Deliveries rows={rows.items} all={all} />}
      {rows.more && <p className="sw-more"><button type="button" className="sw-button" disabled={rows.fetching} onClick={() => void rows.more?.()}>Show older</button></p>}
    </section>
  );
}

function Deliveries({ rows, all }: { rows: NoticeDelivery[]; all: boolean }): ReactElement {
  return (
    <div className="sw-scroll" tabIndex={0} role="group" aria-label="Notices"><table className="sw-table">
      <thead><tr><th scope="col">What</th><th scope="col">When</th><th scope="col">By</th>{all && <th scope="col">To</th>}<th scope="col">State</th>
        {all && <th scope="col"><span className="sw-visually-hidden">Actions</span></th>}</tr></thead>
      <tbody>{rows.map((row) => (
        <tr key={row.id}>
          <td className="sw-wide-cell"><Text text={row.title || row.event} className="sw-strong" />{row.text && <Text text={row.text} className="sw-dim sw-notice-answer" />}</td><td><Ago at={row.at} /></td><td><Text text={row.channel} /></td>
          {all && <td><Text text={row.person || "the channel"} /></td>}
          <td><StateLabel state={STATES[row.state][1]} word={STATES[row.state][0]} />{row.attempts > 1 && <span className="sw-meta"> {row.attempts} tries</span>}</td>
          {all && <td><Deeds row={row} /></td>}
        </tr>))}</tbody>
    </table></div>
  );
}

function Deeds({ row }: { row: NoticeDelivery }): ReactElement | null {
  if (!MOVABLE.includes(row.state)) return null;
  const ids = [row.id];
  return (
    <div className="sw-actions">
      <Confirmed className="sw-small" label="Send now …" title="Send this notice now?" confirm="Send" act={() => send("outbox/resend", { ids })}><p><Text text={row.title} /></p></Confirmed>
      <Confirmed className="sw-small sw-danger-quiet" label="Discard …" title="End this notice unsent?" confirm="Discard" danger act={() => send("outbox/discard", { ids })}><p><Text text={row.title} /></p></Confirmed>
    </div>
  );
}
