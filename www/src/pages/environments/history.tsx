import { type ReactElement, useState } from "react";
import { part } from "../../api/client";
import { usePages } from "../../api/paging";
import type { Deployment, Environment } from "../../api/shapes";
import { deploymentWord, valueText } from "../../format/words";
import { StateLabel } from "../../parts/status";
import { Ago, RunLink, Text, Took } from "../../parts/atoms";

const NONE = {};

export function History({ environment }: { environment: Environment }): ReactElement | null {
  const [whole, setWhole] = useState(false);
  if (environment.history.length === 0) return null;
  return (
    <details className="sw-details">
      <summary>History</summary>
      {whole ? <Whole environment={environment} /> : <>
        <Table rows={environment.history} />
        {environment.history.length >= 10 && <button type="button" className="sw-button sw-small" onClick={() => setWhole(true)}>Show all</button>}
      </>}
    </details>
  );
}

function Whole({ environment }: { environment: Environment }): ReactElement {
  const rows = usePages<Deployment>(`environments/${part(environment.project)}/${part(environment.name)}`, NONE);
  return <>
    <Table rows={rows.items ?? environment.history} />
    {rows.more && <button type="button" className="sw-button sw-small" disabled={rows.fetching} onClick={() => void rows.more?.()}>Show older</button>}
  </>;
}

function Table({ rows }: { rows: Deployment[] }): ReactElement {
  return (
    <div className="sw-scroll" tabIndex={0} role="group" aria-label="History">
      <table className="sw-table">
        <thead><tr><th scope="col">Version</th><th scope="col">Outcome</th><th scope="col">By</th><th scope="col">When</th><th scope="col">Took</th><th scope="col">Parameters</th></tr></thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.id}>
              <td><RunLink project={one.project} run={one.run} stage={one.stage}><Text text={one.version} /></RunLink></td>
              <td><StateLabel state={one.state} word={one.rollback && one.state === "deployed" ? "rolled back to" : deploymentWord(one.state)} /></td>
              <td><Text text={one.person} /></td>
              <td><Ago at={one.started_at} /></td>
              <td><Took seconds={one.seconds} since={one.finished_at === null ? one.started_at : null} /></td>
              <td><Text text={Object.entries(one.values).map(([name, value]) => `${name} = ${valueText(value)}`).join(", ")} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
