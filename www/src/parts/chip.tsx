// A stage in one line: its picture, its name, its time.
import type { ReactElement } from "react";
import { Link } from "react-router-dom";
import { useNow } from "../api/clock";
import type { Gate, Stage } from "../api/shapes";
import { span } from "../format/time";
import { stateWord } from "../format/words";
import { StateIcon, tone } from "./status";
import { useGateLink } from "./shell";
import { runPath } from "./atoms";

interface Props { stage: Stage; project: string; run: number; gate?: Gate | undefined }

export function Chip({ stage, project, run, gate }: Props): ReactElement {
  const gateLink = useGateLink();
  const mine = stage.state === "gate" && gate && (gate.may.open || gate.may.approve);
  const title = describe(stage, gate);
  const to = mine ? gateLink(gate.id) : runPath(project, run, stage.name);
  return (
    <Link to={to} className={`sw-chip sw-${tone(stage.state, stage.flaky)} ${mine ? "sw-mine" : ""}`}
      title={title}>
      <StateIcon state={stage.state} flaky={stage.flaky} />
      <bdi className="sw-chip-name">{stage.name}{mine ? " …" : ""}</bdi>
      <ChipTime stage={stage} />
      <span className="sw-visually-hidden">, {title}</span>
    </Link>
  );
}

function describe(stage: Stage, gate: Gate | undefined): string {
  if (stage.state === "gate" && gate) {
    const waits = gate.waits_for.map((one) => one.text).join("; ");
    return waits || "waits for a person";
  }
  const word = stage.state === "gate" ? "waits for a person" : stateWord(stage);
  const more = stage.waits || stage.summary;
  return more ? `${word}: ${more}` : word;
}

function ChipTime({ stage }: { stage: Stage }): ReactElement | null {
  const running = stage.state === "running";
  const now = useNow(running ? 1 : 0);
  if (stage.seconds !== null && stage.seconds >= 0.05) return <span className="sw-num">{span(stage.seconds)}</span>;
  if (!running || stage.started_at === null) return null;
  const elapsed = Math.max(0, Math.round(now - stage.started_at));
  return <>
    <span className="sw-num">{span(elapsed)}{stage.expected ? ` of ${span(stage.expected)}` : ""}</span>
    <Progress elapsed={elapsed} expected={stage.expected} />
  </>;
}

export function Progress({ elapsed, expected }: { elapsed: number; expected: number | null }): ReactElement | null {
  if (!expected) return null;
  return <span className="sw-progress" aria-hidden="true">
    <span style={{ width: `${Math.min(100, (elapsed / expected) * 100)}%` }} />
  </span>;
}
