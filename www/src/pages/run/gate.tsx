// The gate of a stage, unmistakable: what it waits for, until when, and its button.
import type { ReactElement } from "react";
import type { Gate, Outcome } from "../../api/shapes";
import { deploymentWord, valueText } from "../../format/words";
import { Icon } from "../../parts/icon";
import { StateLabel } from "../../parts/status";
import { Ago } from "../../parts/atoms";
import { GateButton } from "./box";

const WORDS: Record<string, string> = { open: "open", asked: "approvals are missing", approved: "approved", opened: "opened", rejected: "rejected", expired: "expired", cancelled: "cancelled" };

export function GateCard({ gate, inside = false }: { gate: Gate; inside?: boolean }): ReactElement {
  const undecided = ["open", "asked", "approved"].includes(gate.state);
  const given = Object.entries(gate.values);
  return (
    <div className={`sw-gate-card ${undecided ? "sw-gate-open" : ""}`}>
      <div className="sw-gate-line">
        <Icon name="gate" />
        {undecided ? <ul className="sw-waits">{gate.waits_for.map((one) => (
          <li key={one.what + one.text}>Waits for: <bdi>{one.text}</bdi>{one.until !== null && <> (<Ago at={one.until} />)</>}</li>
        ))}</ul> : <StateLabel state={gate.state} word={WORDS[gate.state] ?? gate.state} />}
        {gate.outcome && <Became outcome={gate.outcome} />}
        {!inside && <span className="sw-actions"><GateButton gate={gate} /></span>}
      </div>
      {gate.expires_at !== null && undecided && <p className="sw-meta">Expires <Ago at={gate.expires_at} /></p>}
      {gate.person && <p className="sw-dim">Asked for by <bdi className="sw-strong">{gate.person}</bdi> <Ago at={gate.asked_at} />{gate.comment && <>: “<bdi>{gate.comment}</bdi>”</>}</p>}
      {given.length > 0 && <dl className="sw-values">{given.map(([name, value]) => (
        <div key={name}><dt><bdi>{name}</bdi></dt><dd><bdi>{valueText(value)}</bdi></dd></div>))}</dl>}
      <Approvals gate={gate} />
    </div>
  );
}

// Opened is not deployed: what the stage behind it came to stands beside it.
function Became({ outcome }: { outcome: Outcome }): ReactElement {
  const state = outcome.deployment?.state ?? outcome.state;
  const reason = outcome.state === "queued" ? outcome.waits : outcome.summary;
  return <span className="sw-became">
    <StateLabel state={state} word={outcome.deployment ? deploymentWord(state) : state} />
    {reason && <bdi className="sw-dim">{reason}</bdi>}
  </span>;
}

export function Approvals({ gate }: { gate: Gate }): ReactElement | null {
  if (gate.approvals.length === 0 && gate.approvals_needed === 0) return null;
  const yes = gate.approvals.filter((one) => one.decision === "approve").length;
  return (
    <div className="sw-approvals">
      {gate.approvals_needed > 0 && <p className="sw-meta">{yes} of {gate.approvals_needed} approvals</p>}
      <ul>
        {gate.approvals.map((one) => (
          <li key={`${one.person}${one.at}`}>
            <StateLabel state={one.decision === "approve" ? "passed" : "rejected"} word={one.decision === "approve" ? "approved" : "rejected"} />{" "}
            <bdi className="sw-strong">{one.person}</bdi> <Ago at={one.at} />{one.comment && <>: “<bdi>{one.comment}</bdi>”</>}
          </li>
        ))}
      </ul>
    </div>
  );
}
