// Approving names what was looked at: when something else is asked meanwhile, it must be looked at first.
import { type ReactElement, useState } from "react";
import { send } from "../../api/client";
import type { Gate, GateDetail } from "../../api/shapes";
import { valueText } from "../../format/words";
import { useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { ProblemBox } from "../../parts/problem";
import { Comment } from "./comment";
import { Reject } from "./reject";

export function Decide({ gate, close, askAnew }: { gate: GateDetail; close: () => void; askAnew: () => void }): ReactElement {
  const [comment, setComment] = useState("");
  const [seen, setSeen] = useState(gate);
  const action = useAction();
  const other = seen.asking !== gate.asking;
  const approve = async () => {
    await action.run(async () => {
      const answer = await send<{ gate: Gate }>(`gates/${gate.id}/approve`, { asking: seen.asking, ...(comment && { comment }) });
      if (answer.gate.state !== "asked") close();
    });
  };
  const look = () => {
    action.clear();
    setSeen(gate);
  };
  return <>
    {other && <Changed old={seen} gate={gate} look={look} />}
    {gate.may.approve && <Comment value={comment} set={setComment} label="Comment" hint="optional; kept with the decision" />}
    {action.problem && <ProblemBox problem={action.problem} />}
    <div className="sw-foot">
      {gate.may.reject && <Reject id={gate.id} close={close} />}
      {gate.may.change && <button type="button" className="sw-button" onClick={askAnew}>Change the answers …</button>}
      <button type="button" className="sw-button" onClick={close}>Not now</button>
      {gate.may.approve && (
        <button type="button" className="sw-button sw-primary" disabled={action.busy || other} onClick={() => void approve()}>
          <Icon name="passed" /> {action.busy ? "Sending …" : "Approve"}
        </button>
      )}
    </div>
  </>;
}

function Changed({ old, gate, look }: { old: GateDetail; gate: GateDetail; look: () => void }): ReactElement {
  const names = [...new Set([...Object.keys(old.values), ...Object.keys(gate.values)])];
  const changed = names.filter((name) => JSON.stringify(old.values[name]) !== JSON.stringify(gate.values[name]));
  return (
    <div className="sw-alert sw-frozen" role="alert">
      <Icon name="warning" />
      <div>
        <p><bdi className="sw-strong">{gate.person}</bdi> has asked anew while you looked{changed.length === 0 && ", with the same answers"}.
          {gate.secret_names.length > 0 && <> Secrets were given anew: <bdi>{gate.secret_names.join(", ")}</bdi>.</>}</p>
        {changed.length > 0 && <ul>{changed.map((name) => (
          <li key={name}><bdi>{name}</bdi>: <del><bdi>{shown(old, name)}</bdi></del> → <ins><bdi>{shown(gate, name)}</bdi></ins></li>))}</ul>}
        <button type="button" className="sw-button sw-small" onClick={look}>I have looked at it</button>
      </div>
    </div>
  );
}

function shown(gate: GateDetail, name: string): string {
  return valueText(gate.values[name] ?? null) || "no answer";
}
