import type { ReactElement } from "react";
import type { Attempt, RunDetail, StageDetail } from "../../api/shapes";
import { isRecord } from "../../api/problem";
import { base } from "../../api/client";
import { Icon } from "../../parts/icon";
import { Ago, RunLink, Took } from "../../parts/atoms";
import { Publications } from "../../parts/publications";

interface Props { run: RunDetail; stage: StageDetail; cell: string; attempt: Attempt }

export function Summary({ run, stage, attempt }: Props): ReactElement {
  const build = attempt.buildbot;
  const link = build !== null ? `${base()}#/builders/${build.builder_id}/builds/${build.number}` : null;
  return <>
    {attempt.summary && <p className="sw-summary"><bdi>{attempt.summary}</bdi></p>}
    {attempt.borrowed_run !== null && attempt.state === "unchanged" && <p className="sw-note">No release was made: the last one, of <RunLink project={run.project} run={attempt.borrowed_run} stage={stage.name} />, has the same files. What deploys after this stage takes that release.</p>}
    {attempt.borrowed_run !== null && attempt.state !== "unchanged" && <p className="sw-note">Nothing it looks at has changed: the result is that of <RunLink project={run.project} run={attempt.borrowed_run} stage={stage.name} />.</p>}
    {stage.uses === "publish" && run.releases.map((one) => <Publications key={one.id} publications={one.publications} />)}
    <dl className="sw-values">
      {attempt.started_at !== null && <><Line name="Took"><Took seconds={attempt.seconds} since={attempt.state === "running" ? attempt.started_at : null} /></Line>
      <Line name="Started"><Ago at={attempt.started_at} /></Line>
      <Line name="Waited for a worker"><Took seconds={Math.max(0, attempt.started_at - attempt.queued_at)} since={null} /></Line></>}
      {attempt.worker && <Line name="Worker"><bdi>{attempt.worker}</bdi></Line>}
      {attempt.person && <Line name="Started by"><bdi>{attempt.person}</bdi></Line>}
      {attempt.exit_code !== null && attempt.exit_code !== 0 && <Line name="Exit code">{attempt.exit_code}</Line>}
      {attempt.tries > 1 && <Line name="Tries">{attempt.tries}</Line>}
      {stage.needs.length > 0 && <Line name="Waits for"><bdi>{stage.needs.join(", ")}</bdi></Line>}
      {stage.environment && <Line name="Environment"><bdi>{stage.environment}</bdi></Line>}
      {Object.entries(attempt.facts).filter(([, value]) => plain(value) !== "").slice(0, 24).map(([name, value]) => (
        <Line key={name} name={name.replace(/[_-]/g, " ")}><bdi>{plain(value)}</bdi></Line>
      ))}
    </dl>
    {link && <p><a href={link}><Icon name="open" /> Buildbot's page of this build</a></p>}
  </>;
}

function Line({ name, children }: { name: string; children: React.ReactNode }): ReactElement {
  return <div><dt><bdi>{name}</bdi></dt><dd>{children}</dd></div>;
}

// Further facts of a stage: short things in short words.
function plain(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value).slice(0, 300);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.every((one) => typeof one !== "object") ? value.join(", ").slice(0, 300) : "";
  if (!isRecord(value)) return "";
  const parts = Object.entries(value).filter(([, one]) => typeof one !== "object");
  return parts.map(([name, one]) => `${name} ${String(one)}`).join(", ").slice(0, 300);
}
