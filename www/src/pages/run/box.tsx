// A stage in the drawing; that of a gate says what it waits for and has its button.
import type { ReactElement } from "react";
import { useNow } from "../../api/clock";
import type { Gate, RunDetail, StageDetail } from "../../api/shapes";
import { span } from "../../format/time";
import { count, stateWord } from "../../format/words";
import { Progress } from "../../parts/chip";
import { newest } from "./attempts";
import { GateLink } from "../../parts/shell";
import { StateIcon, tone } from "../../parts/status";

export const BOX = 74;
export const BOX_CELLS = 88;
export const BOX_GATE = 112;

interface Props { run: RunDetail; stage: StageDetail; chosen: boolean; critical: boolean; choose: (name: string) => void }

export function StageBox({ stage, chosen, critical, choose }: Props): ReactElement {
  const gate = stage.state === "gate" ? stage.gate : null;
  const classes = ["sw-box", `sw-${tone(stage.state, stage.flaky)}`, chosen && "sw-chosen", critical && "sw-critical", gate && "sw-box-gate"];
  return (
    <div className={classes.filter(Boolean).join(" ")}>
      <button type="button" className="sw-box-main" aria-pressed={chosen} onClick={() => choose(stage.name)}
        title={`${stage.name}: ${stateWord(stage)}${stage.waits || stage.summary ? `\n${stage.waits || stage.summary}` : ""}`}>
        <span className="sw-box-top">
          <StateIcon state={stage.state} flaky={stage.flaky} />
          <bdi className="sw-box-name">{stage.name}</bdi>
          <Elapsed stage={stage} />
        </span>
        {gate ? <span className="sw-box-waits">{waits(gate)}</span> : <span className="sw-box-summary"><bdi>{stage.waits || stage.summary || stateWord(stage)}</bdi></span>}
        {stage.results.length > 1 && <Cells stage={stage} />}
      </button>
      {gate && <GateButton gate={gate} />}
    </div>
  );
}

const WAITS: Record<string, string> = { person: "a person", approval: "an approval", needs: "earlier stages", window: "its time window", freeze: "the end of a freeze" };

export function waits(gate: Gate): string {
  const kinds = [...new Set(gate.waits_for.map((one) => WAITS[one.what] ?? one.what))];
  return kinds.length ? `Waits for ${kinds.join(", ")}` : "Waits";
}

export function GateButton({ gate }: { gate: Gate }): ReactElement {
  const word = gate.may.open ? "Open …" : gate.may.approve ? "Approve …" : "Look …";
  const mine = gate.may.open || gate.may.approve;
  return <GateLink id={gate.id} className={`sw-small ${mine ? "" : "sw-plain"}`}>{word}</GateLink>;
}

function Elapsed({ stage }: { stage: StageDetail }): ReactElement | null {
  const running = stage.state === "running" && stage.started_at !== null;
  const now = useNow(running ? 1 : 0);
  if (stage.seconds !== null) return <span className="sw-num">{span(stage.seconds)}</span>;
  if (!running) return null;
  const elapsed = Math.max(0, Math.round(now - (stage.started_at ?? now)));
  return <>
    <span className="sw-num" title={stage.expected ? `${span(stage.expected)} as a rule` : undefined}>{span(elapsed)}</span>
    <Progress elapsed={elapsed} expected={stage.expected} />
  </>;
}

// A matrix is one box: a small square for each of its cells.
function Cells({ stage }: { stage: StageDetail }): ReactElement {
  const shown = stage.results.slice(0, 16);
  const states = Object.entries(stage.cells);
  const counts = states.map(([state, number]) => `${number} ${state}`).join(", ");
  return (
    <span className="sw-cells" title={counts}>
      {shown.map((one) => <span key={one.cell} className={`sw-cell sw-${tone(newest(one)?.state ?? "waiting")}`} />)}
      <span className="sw-dim">{count(stage.results.length, "cell")}{states.length > 1 && `: ${counts}`}</span>
    </span>
  );
}
