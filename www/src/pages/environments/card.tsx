import type { ReactElement } from "react";
import { Link } from "react-router-dom";
import { useMay } from "../../api/current-user";
import type { Deployment, Environment } from "../../api/shapes";
import { count, deploymentWord, valueText } from "../../format/words";
import { Icon } from "../../parts/icon";
import { GateLink } from "../../parts/shell";
import { StateLabel } from "../../parts/status";
import { Ago, Branch, Hash, Revision, RunLink, Text, Took } from "../../parts/atoms";
import { History } from "./history";
import { Rollback } from "./rollback";

const WORDS: Record<string, string> = { idle: "deployed", empty: "nothing there yet", running: "being deployed", failed: "not known what runs there" };
const TONES: Record<string, string> = { idle: "passed", empty: "waiting", running: "running", failed: "failed" };

export function Card({ environment, several }: { environment: Environment; several: boolean }): ReactElement {
  const { current, running, state } = environment;
  const may = useMay("stage.start");
  // What was tried last stands here as long as it is not what runs.
  const last = environment.history[0];
  const earlier = environment.earlier.filter((one) => one.run !== current?.run);
  const url = environment.url !== null && /^https?:\/\//i.test(environment.url) ? environment.url : null;
  return (
    <article className={`sw-card sw-environment sw-edge sw-${TONES[state] ?? "waiting"}`} aria-label={`${environment.project} ${environment.name}`}>
      <header className="sw-card-head">
        <h2>{several && <bdi className="sw-dim">{environment.project} / </bdi>}<bdi>{environment.name}</bdi></h2>
        <StateLabel state={TONES[state] ?? "waiting"} word={WORDS[state] ?? state} />
      </header>
      {environment.description && <p className="sw-dim"><bdi>{environment.description}</bdi></p>}
      {url !== null && <p><a href={url} target="_blank" rel="noreferrer"><Icon name="open" /> <Text text={url} /></a></p>}
      {current ? <Now deployment={current} /> : <p className="sw-dim">The first release that is deployed will stand here.</p>}
      {last && !["deployed", "running"].includes(last.state) && (
        <p className="sw-alert sw-failed"><Icon name="failed" /> <span><bdi className="sw-strong">{last.version}</bdi>: {deploymentWord(last.state)} <Ago at={last.finished_at} />
          {" "}(<RunLink project={last.project} run={last.run} stage={last.stage} />){last.message && <>: <bdi>{last.message}</bdi></>}</span></p>
      )}
      {running && (
        <p className="sw-alert sw-running"><Icon name="running" className="sw-spin" /> <span><bdi className="sw-strong">{running.version}</bdi> is on its way for <Took seconds={null} since={running.started_at} />
          {" "}(<RunLink project={running.project} run={running.run} stage={running.stage} />)</span></p>
      )}
      {environment.gates.length > 0 && (
        <ul className="sw-card-gates">
          {environment.gates.map((gate) => (
            <li key={gate.id}>
              <GateLink id={gate.id} className={`sw-small ${gate.may.open || gate.may.approve ? "" : "sw-plain"}`}>
                {gate.rollback ? "Roll back to" : "Deploy"} <bdi>{gate.version}</bdi> …</GateLink>
              <span className="sw-dim">run {gate.run}{gate.state === "asked" ? ", approvals are missing" : gate.state === "approved" ? ", approved" : ""}</span>
            </li>
          ))}
          {environment.waiting > environment.gates.length && (
            <li className="sw-dim"><Link to={`/pipelines?state=waiting&project=${encodeURIComponent(environment.project)}`}>
              {count(environment.waiting - environment.gates.length, "older run")} waiting too</Link></li>
          )}
        </ul>
      )}
      {may && earlier.length > 0 && <Rollback environment={environment} earlier={earlier} />}
      <History environment={environment} />
    </article>
  );
}

function Now({ deployment }: { deployment: Deployment }): ReactElement {
  const values = Object.entries(deployment.values).filter(([, value]) => value !== null && value !== "");
  return <>
    <p className="sw-now"><Text text={deployment.version} className="sw-version sw-big" />
      <span className="sw-meta">since <Ago at={deployment.finished_at} />{deployment.person && <> by <bdi className="sw-strong">{deployment.person}</bdi></>}</span></p>
    <p className="sw-meta"><RunLink project={deployment.project} run={deployment.run} stage={deployment.stage} /> <Branch branch={deployment.branch} /> <Revision revision={deployment.revision} />
      <Text text={deployment.subject} /></p>
    <dl className="sw-values">
      {deployment.message && <div className="sw-full"><dt>What it said</dt><dd><bdi>{deployment.message}</bdi></dd></div>}
      {deployment.state !== "deployed" && <div><dt>Outcome</dt><dd>{deploymentWord(deployment.state)}</dd></div>}
      {deployment.manifest_sha256 && <div><dt>Manifest</dt><dd><Hash hash={deployment.manifest_sha256} /></dd></div>}
      {values.map(([name, value]) => <div key={name}><dt><bdi>{name}</bdi></dt><dd><bdi>{valueText(value)}</bdi></dd></div>)}
    </dl>
  </>;
}
