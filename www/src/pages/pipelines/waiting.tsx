// What this very person is waited for, on top of everything.
import type { ReactElement } from "react";
import type { Gate } from "../../api/shapes";
import { Icon } from "../../parts/icon";
import { GateLink } from "../../parts/shell";
import { Ago, RunLink, Text } from "../../parts/atoms";

const SHOWN = 4;

export function Waiting({ gates }: { gates: Gate[] }): ReactElement | null {
  const mine = gates.filter((gate) => gate.ready && (gate.may.open || gate.may.approve));
  if (mine.length === 0) return null;
  return (
    <section className="sw-calls" aria-label="Waits for you">
      <h2><Icon name="gate" /> Waits for you <span className="sw-count">{mine.length}</span></h2>
      <ul>
        {mine.slice(0, SHOWN).map((gate) => (
          <li key={gate.id}>
            <GateLink id={gate.id}>{gate.may.open ? "Open" : "Approve"} <bdi>{gate.stage}</bdi> …</GateLink>
            <span className="sw-calls-text">
              <Text text={gate.version} className="sw-strong" />{" "}
              <RunLink project={gate.project} run={gate.run} stage={gate.stage}>run {gate.run}</RunLink>{" "}
              <Text text={gate.subject} className="sw-dim" />
            </span>
            <Ago at={gate.asked_at ?? gate.made_at} />
          </li>
        ))}
      </ul>
    </section>
  );
}
