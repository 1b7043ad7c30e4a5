import type { ReactElement } from "react";
import { base, part, send } from "../../api/client";
import { useNow } from "../../api/clock";
import { useMay } from "../../api/current-user";
import type { Work, Worker } from "../../api/shapes";
import { span } from "../../format/time";
import { Progress } from "../../parts/chip";
import { Confirmed, useAction } from "../../parts/action-button";
import { ProblemBox } from "../../parts/problem";
import { StateLabel } from "../../parts/status";
import { RunLink } from "../../parts/atoms";

export function WorkerCard({ worker, reload }: { worker: Worker; reload: () => void }): ReactElement {
  const [state, word] = !worker.connected ? ["failed", "not connected"] : worker.paused ? ["cancelled", "paused"]
    : worker.busy.length ? ["running", "busy"] : ["passed", "idle"];
  return (
    <article className="sw-card" aria-label={`Worker ${worker.name}`}>
      <header className="sw-card-head"><h3><bdi>{worker.name}</bdi></h3><StateLabel state={state} word={word} /></header>
      <p className="sw-tags">{worker.labels.map((one) => <span key={one} className="sw-tag"><bdi>{one}</bdi></span>)}
        {worker.lanes.map((one) => <span key={one} className="sw-tag sw-dim">{one}</span>)}</p>
      <p className="sw-meta">{worker.busy.length} of {worker.max_builds} places taken</p>
      {worker.isolation_reason && <p className="sw-meta"><bdi>{worker.isolation_reason}</bdi></p>}
      <ul className="sw-works">{worker.busy.map((one) => <Busy key={`${one.project} ${one.run} ${one.stage} ${one.cell}`} work={one} />)}</ul>
      <Pausing worker={worker} reload={reload} />
    </article>
  );
}

function Busy({ work }: { work: Work }): ReactElement {
  const now = useNow(1);
  const elapsed = Math.max(0, Math.round(now - work.since));
  return (
    <li>
      <RunLink project={work.project} run={work.run} stage={work.stage}><bdi>{work.project}</bdi> #{work.run} <bdi className="sw-strong">{work.stage}{work.cell && ` ${work.cell}`}</bdi></RunLink>
      <span className="sw-num">{span(elapsed)}{work.expected ? ` of ${span(work.expected)}` : ""}</span>
      {work.builder_id !== null && work.number !== null && <a className="sw-small-link" href={`${base()}#/builders/${work.builder_id}/builds/${work.number}`}>build</a>}
      <Progress elapsed={elapsed} expected={work.expected} />
    </li>
  );
}

function Pausing({ worker, reload }: { worker: Worker; reload: () => void }): ReactElement | null {
  const may = useMay("engine.control");
  const action = useAction();
  const path = `workers/${part(worker.name)}`;
  if (!may) return null;
  if (worker.paused) return <p>
    <button type="button" className="sw-button" disabled={action.busy} onClick={() => void action.run(() => send(`${path}/resume`)).then(reload)}>Resume</button>
    {action.problem && <ProblemBox problem={action.problem} />}</p>;
  return <p><Confirmed label="Pause …" title={`Pause ${worker.name}?`} confirm="Pause" reason act={(reason) => send(`${path}/pause`, reason ? { reason } : {}).then(reload)}>
    <p>It ends what it is at and takes nothing new until it is resumed.</p></Confirmed></p>;
}
