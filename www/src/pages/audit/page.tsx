// Who did what: filtered, exported, and the chain's mark.
import { type ReactElement, useMemo, useState } from "react";
import { useSearchParams } from "react-router-dom";
import { endpoint, query } from "../../api/client";
import { useMe } from "../../api/current-user";
import { usePages } from "../../api/paging";
import type { AuditRow, Chain } from "../../api/shapes";
import { useFound } from "../../api/store";
import { Icon } from "../../parts/icon";
import { ProblemBox, SignIn } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { StateLabel } from "../../parts/status";
import { Empty, Spinner } from "../../parts/atoms";
import { AuditTable } from "./table";

const TRAIL = [{ caption: "Audit", route: "/audit" }];
const KEYS = ["actor", "action", "entity", "project"] as const;

export function AuditPage(): ReactElement {
  const me = useMe();
  if (!me) return <Shell title="Audit" trail={TRAIL}><Spinner what="Looking who you are …" /></Shell>;
  if (!me.may["audit"]) {
    return <Shell title="Audit" trail={TRAIL}><Empty title="Only admins see what everybody did.">{me.anonymous ? <SignIn /> : "Ask one of them for the role."}</Empty></Shell>;
  }
  return <Trail />;
}

function Trail(): ReactElement {
  const [params, setParams] = useSearchParams();
  const asked = useMemo(() => Object.fromEntries(KEYS.map((key) => [key, params.get(key) ?? ""])), [params]);
  const rows = usePages<AuditRow>("audit", asked);
  const more = { ...asked, limit: 10_000 };
  const actions = <>
    <a className="sw-button" href={endpoint(`audit${query({ ...more, format: "csv" })}`)} download="audit.csv"><Icon name="download" /> CSV</a>
    <a className="sw-button" href={endpoint(`audit${query({ ...more, format: "json" })}`)} download="audit.json"><Icon name="download" /> JSON</a>
  </>;
  return (
    <Shell title="Audit" trail={TRAIL} actions={actions}>
      <ChainMark />
      <Filter asked={asked} set={(found) => setParams(found, { replace: true })} />
      {rows.problem && !rows.items && <ProblemBox problem={rows.problem} />}
      {!rows.items && !rows.problem && <Spinner what="Reading …" />}
      {rows.items?.length === 0 && <Empty title="Nothing like this was done." />}
      {rows.items && rows.items.length > 0 && <AuditTable rows={rows.items} />}
      {rows.more && <p className="sw-more"><button type="button" className="sw-button" disabled={rows.fetching} onClick={() => void rows.more?.()}>Show older</button></p>}
    </Shell>
  );
}

function Filter({ asked, set }: { asked: Record<string, string>; set: (found: Record<string, string>) => void }): ReactElement {
  const [typed, setTyped] = useState(asked);
  const send = () => set(Object.fromEntries(Object.entries(typed).filter(([, text]) => text)));
  return (
    <form className="sw-filters" role="search" aria-label="Narrow the list" onSubmit={(event) => { event.preventDefault(); send(); }}>
      {KEYS.map((key) => <input key={key} className="sw-input" type="search" aria-label={key} placeholder={key} value={typed[key] ?? ""}
        onChange={(event) => setTyped({ ...typed, [key]: event.target.value })} onBlur={send} />)}
      <button type="submit" className="sw-button">Filter</button>
    </form>
  );
}

function ChainMark(): ReactElement | null {
  const { data, problem, reload } = useFound<Chain>("audit/verify");
  if (problem && !data) return <ProblemBox problem={problem} retry={reload} />;
  if (!data) return null;
  return data.whole
    ? <p className="sw-chain"><StateLabel state="passed" word="The chain is whole" /> <span className="sw-meta">{data.rows.toLocaleString("en")} rows, head <code className="sw-code">{data.head.slice(0, 16)}</code></span></p>
    : <div className="sw-alert sw-failed" role="alert"><Icon name="warning" /> <span><strong>The trail was altered.</strong> <bdi>{data.problem}</bdi></span></div>;
}
