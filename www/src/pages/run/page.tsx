import { type ReactElement, useMemo } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router-dom";
import { part, send } from "../../api/client";
import { useMay } from "../../api/current-user";
import type { RunDetail, StageDetail } from "../../api/shapes";
import { useFound } from "../../api/store";
import { Confirmed } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { Loaded } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { runPath } from "../../parts/atoms";
import { Graph } from "./graph";
import { Heading } from "./heading";
import { Panel } from "./panel";

export function RunPage(): ReactElement {
  const { project = "", number = "" } = useParams();
  const path = `runs/${part(project)}/${part(number)}`;
  const found = useFound<RunDetail>(path);
  const run = found.data;
  const title = run ? `${run.project} run ${run.number}` : `${project} run ${number}`;
  return (
    <Shell title={title} trail={[{ caption: "Pipelines", route: "/pipelines" }, { caption: title, route: null }]}
      actions={run && <Actions run={run} />}>
      <Loaded found={found} what="Looking at the run" missing="There is no such run.">
        {(data) => <Whole run={data} />}
      </Loaded>
    </Shell>
  );
}

function Whole({ run }: { run: RunDetail }): ReactElement {
  const [params, setParams] = useSearchParams();
  const wanted = params.get("stage");
  const fallback = useMemo(() => interesting(run.stages), [run.stages]);
  const stage = run.stages.find((one) => one.name === wanted) ?? fallback;
  const choose = (name: string) => setParams((old) => {
    old.set("stage", name);
    return old;
  }, { replace: true });
  // Without a choice the panel follows the run, until a person reads or types in it.
  const pin = () => { if (wanted === null && stage) choose(stage.name); };
  return <>
    <Heading run={run} />
    {wanted !== null && stage?.name !== wanted && (
      <div className="sw-alert sw-frozen">This run has no stage “<bdi>{wanted}</bdi>”.</div>
    )}
    <Graph run={run} chosen={stage?.name ?? ""} choose={choose} />
    {stage && <div onFocusCapture={pin} onPointerDownCapture={pin}><Panel key={stage.name} run={run} stage={stage} /></div>}
  </>;
}

const ORDER = ["failed", "rejected", "gate", "running", "queued", "expired", "cancelled"];

// The stage one came for, most likely.
function interesting(stages: StageDetail[]): StageDetail | undefined {
  for (const state of ORDER) {
    const found = stages.find((one) => one.state === state);
    if (found) return found;
  }
  return [...stages].reverse().find((one) => one.state === "passed") ?? stages[0];
}

function Actions({ run }: { run: RunDetail }): ReactElement {
  const navigate = useNavigate();
  const start = useMay("run.start");
  const cancel = useMay("stage.cancel");
  const path = `runs/${part(run.project)}/${run.number}`;
  const over = run.state !== "running" && run.state !== "waiting";
  return <>
    <nav className="sw-neighbours" aria-label="Runs of this branch">
      {run.previous && <Link className="sw-button sw-quiet" to={runPath(run.project, run.previous.number)}
        title="The run before on this branch"><Icon name="left" />#{run.previous.number}</Link>}
      {run.next && <Link className="sw-button sw-quiet" to={runPath(run.project, run.next.number)}
        title="The next run on this branch">#{run.next.number}<Icon name="right" /></Link>}
    </nav>
    {start && (
      <Confirmed label={<><Icon name="again" /> Run again</>} title={`Run ${run.number} again?`} confirm="Run again" reason
        act={async (reason) => {
          const made = await send<{ project: string; number: number }>(`${path}/rerun`, reason ? { reason } : {});
          navigate(runPath(made.project, made.number));
        }}>
        <p>A new run of the same revision starts. This one stays as it is.</p>
      </Confirmed>
    )}
    {cancel && !over && (
      <Confirmed label={<><Icon name="cancelled" /> Cancel</>} title={`Cancel run ${run.number}?`} confirm="Cancel the run" danger reason
        act={(reason) => send(`${path}/cancel`, reason ? { reason } : {})}>
        <p>Stages at work are stopped, those that wait are not started, gates are closed.</p>
      </Confirmed>
    )}
  </>;
}
