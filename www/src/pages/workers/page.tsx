// Who is busy with what, what waits in each lane, what has failed and may be tried again.
import type { ReactElement } from "react";
import { part, send } from "../../api/client";
import { useMay } from "../../api/current-user";
import type { FailedStage, Worker, Workers } from "../../api/shapes";
import { useFound } from "../../api/store";
import { count } from "../../format/words";
import { Confirmed, useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { Loaded, ProblemBox } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { Ago, Empty, RunLink, Text } from "../../parts/atoms";
import { WorkerCard } from "./worker";

export function WorkersPage(): ReactElement {
  const found = useFound<Workers>("workers");
  return (
    <Shell title="Lanes and workers" trail={[{ caption: "Lanes and workers", route: "/lanes" }]}>
      <Loaded found={found} what="Looking at the workers">
        {(data) => <>
          <Exposed workers={data.workers} />
          <section aria-label="Lanes"><h2 className="sw-h2">Lanes</h2><div className="sw-tiles">{data.lanes.map((one) => (
            <div key={one.lane} className="sw-card sw-tile">
              <h3>{one.lane}</h3>
              <p className="sw-tile-figures"><span><b className="sw-big">{one.queued}</b> queued</span><span><b className="sw-big">{one.running}</b> running</span></p>
              <p className="sw-meta">{one.oldest_at !== null ? <>the oldest waits since <Ago at={one.oldest_at} /></> : "nothing waits"}</p>
            </div>))}</div></section>
          <section aria-label="Workers"><h2 className="sw-h2">Workers</h2>
            {data.workers.length === 0 ? <Empty title="There is no worker.">Name one in pipeline.toml as [workers.NAME].</Empty>
              : <div className="sw-grid">{data.workers.map((one) => <WorkerCard key={one.name} worker={one} reload={found.reload} />)}</div>}</section>
          <Failed rows={data.failed} />
        </>}
      </Loaded>
    </Shell>
  );
}

// `slipway up` could not keep a worker from what is the master's: everybody who looks shall know.
function Exposed({ workers }: { workers: Worker[] }): ReactElement | null {
  const exposed = workers.filter((one) => one.isolation === "none");
  if (exposed.length === 0) return null;
  return (
    <div className="sw-alert sw-failed" role="alert">
      <p><b>Each committer can read the admin's password:</b> stages run as the same user as the master.</p>
      <ul>{exposed.map((one) => <li key={one.name}><bdi>{one.isolation_reason}</bdi></li>)}</ul>
    </div>
  );
}

function again(row: FailedStage): Promise<unknown> {
  return send(`runs/${part(row.project)}/${row.run}/stages/${part(row.stage)}/rerun`, row.cell ? { cell: row.cell } : {});
}

function Failed({ rows }: { rows: FailedStage[] }): ReactElement {
  const may = useMay("stage.start");
  return (
    <section className="sw-card" aria-label="Failed">
      <header className="sw-panel-head"><h2>Failed {rows.length > 0 && <span className="sw-count">{rows.length}</span>}</h2>
        {may && rows.length > 1 && <div className="sw-actions"><Confirmed label={<><Icon name="again" /> Run all again</>} title={`Run ${count(rows.length, "stage")} again?`} confirm="Run all again"
          act={async () => { for (const row of rows) await again(row); }}><p>Each failed stage of this list gets a new attempt, in its own run.</p></Confirmed></div>}</header>
      {rows.length === 0 ? <Empty title="Nothing has failed that was not mended." /> : (
        <div className="sw-scroll" tabIndex={0} role="group" aria-label="Failed stages"><table className="sw-table">
          <thead><tr><th scope="col">Stage</th><th scope="col">Run</th><th scope="col">What it said</th><th scope="col">Worker</th><th scope="col">When</th><th scope="col"><span className="sw-visually-hidden">Again</span></th></tr></thead>
          <tbody>{rows.map((row) => (
            <tr key={`${row.project} ${row.run} ${row.stage} ${row.cell}`}>
              <td><Text text={`${row.stage}${row.cell && ` ${row.cell}`}`} className="sw-strong" /></td>
              <td><RunLink project={row.project} run={row.run} stage={row.stage}><Text text={`${row.project} #${row.run}`} /></RunLink></td>
              <td className="sw-wide-cell"><Text text={row.summary || `exit code ${row.exit_code}`} /></td><td><Text text={row.worker} /></td><td><Ago at={row.finished_at} /></td>
              <td>{may && <Again row={row} />}</td>
            </tr>))}</tbody>
        </table></div>
      )}
    </section>
  );
}

function Again({ row }: { row: FailedStage }): ReactElement {
  const action = useAction();
  return <>
    <button type="button" className="sw-button sw-small" disabled={action.busy} aria-label={`Run ${row.stage} of run ${row.run} again`} onClick={() => void action.run(() => again(row))}><Icon name="again" /> Again</button>
    {action.problem && <ProblemBox problem={action.problem} />}
  </>;
}
