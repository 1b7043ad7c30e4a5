// The dialog of a gate: what will happen, what is asked, and who has decided what.
import { type ReactElement, useEffect, useRef, useState } from "react";
import { useMe } from "../../api/current-user";
import type { Problem } from "../../api/problem";
import type { GateDetail } from "../../api/shapes";
import { useFound } from "../../api/store";
import { capital } from "../../format/words";
import { Modal } from "../../parts/modal";
import { ProblemBox, SignIn } from "../../parts/problem";
import { Empty, Spinner } from "../../parts/atoms";
import { Approvals, GateCard } from "../run/gate";
import { Decide } from "./decide";
import { Other, What } from "./what";
import { Ask } from "./ask";

const VERBS: Record<string, string> = { rollback: "Roll back", forward: "Deploy", first: "Deploy", again: "Deploy again" };

interface Props { place: string; close: () => void; made: (id: number) => void }

export function GateDialog({ place, close, made }: Props): ReactElement {
  const { data, problem, reload } = useFound<GateDetail>(place);
  const detail = useKept(data);
  return (
    <Modal title={detail ? <Title gate={detail} /> : "The gate"} close={close} wide>
      {!detail && !problem && <Spinner what="Looking at the gate …" />}
      {!detail && problem && (problem.status === 404
        ? <Empty title="There is no such gate.">It may belong to a run that is no longer kept.</Empty>
        : <ProblemBox problem={problem} retry={reload} />)}
      {detail && <Whole gate={detail} problem={problem} close={close} made={made} />}
    </Modal>
  );
}

// A form that is being filled in stays, also when the session ends meanwhile.
function useKept(data: GateDetail | undefined): GateDetail | undefined {
  const kept = useRef<GateDetail>(undefined);
  const anonymous = useMe()?.anonymous;
  const lost = data === undefined || (data.state === "open" && data.token === null && anonymous);
  const shown = lost && kept.current?.token ? kept.current : data;
  useEffect(() => { if (shown) kept.current = shown; }, [shown]);
  return shown;
}

function Title({ gate }: { gate: GateDetail }): ReactElement {
  const verb = gate.environment ? VERBS[gate.direction ?? "forward"] ?? "Deploy" : "Open";
  return <>{verb} <bdi>{gate.environment ? gate.deploys?.version ?? gate.version : gate.stage}</bdi>
    {gate.environment && <> to <bdi>{gate.environment}</bdi></>}</>;
}

interface WholeProps { gate: GateDetail; problem: Problem | undefined; close: () => void; made: (id: number) => void }

function Whole({ gate, problem, close, made }: WholeProps): ReactElement {
  const [anew, setAnew] = useState("");
  const asks = gate.state === "open" ? gate.token ?? "" : gate.may.change ? anew : "";
  return <>
    {problem && !problem.unreachable && <ProblemBox problem={problem} />}
    <What gate={gate} />
    {asks ? <Ask key={gate.state} gate={gate} token={asks} close={close} made={made} asked={() => setAnew("")} />
      : <Later gate={gate} close={close} askAnew={() => setAnew(gate.asking)} />}
  </>;
}

function Later({ gate, close, askAnew }: { gate: GateDetail; close: () => void; askAnew: () => void }): ReactElement {
  const anonymous = useMe()?.anonymous ?? false;
  const undecided = ["open", "asked", "approved"].includes(gate.state);
  return <>
    <GateState gate={gate} />
    <Other gate={gate} given={gate.values} />
    {undecided && (gate.may.approve || gate.may.reject)
      ? <Decide gate={gate} close={close} askAnew={askAnew} />
      : <div className="sw-foot">
          {undecided && <span className="sw-note">{capital(whoMay(gate))}</span>}
          {anonymous && undecided && <SignIn>Sign in to decide</SignIn>}
          <button type="button" className="sw-button" onClick={close}>Close</button>
        </div>}
  </>;
}

function GateState({ gate }: { gate: GateDetail }): ReactElement {
  return gate.state === "open" ? <Approvals gate={gate} /> : <GateCard gate={gate} inside />;
}

function whoMay(gate: GateDetail): string {
  if (gate.state === "approved") return "all approvals are given; it continues by itself";
  const roles = gate.allowed.join(" or ");
  return gate.state === "asked" ? `somebody else with the role ${roles} approves or rejects it` : `somebody with the role ${roles} opens it`;
}
