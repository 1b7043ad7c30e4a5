import { type ReactElement, useState } from "react";
import { part } from "../../api/client";
import type { Commits, RunDetail } from "../../api/shapes";
import { useFound } from "../../api/store";
import { author, count, runWord } from "../../format/words";
import { CommitList } from "../../parts/commits";
import { Icon } from "../../parts/icon";
import { StateLabel } from "../../parts/status";
import { Ago, Branch, Revision, RunLink, Text, Took } from "../../parts/atoms";

export function Heading({ run }: { run: RunDetail }): ReactElement {
  const state = run.state === "waiting" ? "gate" : run.state;
  return (
    <section className="sw-card sw-heading" aria-label="The run">
      <div className="sw-heading-top">
        <StateLabel state={state} word={runWord(run.state)} />
        <bdi className="sw-version" title="version">{run.version}</bdi>
        <span className="sw-meta">
          <Took seconds={run.seconds} since={run.state === "running" ? run.started_at : null} />
          <Ago at={run.started_at} before="started " />
          <span>{run.person ? <>by <bdi>{run.person}</bdi></> : <>by {run.trigger}</>}</span>
          {run.reason && <Text text={run.reason} />}
        </span>
      </div>
      <p className="sw-subject"><bdi>{run.subject || "(no message)"}</bdi></p>
      <p className="sw-meta">
        <Branch branch={run.branch} /> <Revision revision={run.revision} />
        <Text text={author(run.author)} /> <Ago at={run.committed_at} before="committed " />
      </p>
      {run.superseded_by !== null && (
        <p className="sw-note">A newer run has taken over: <RunLink project={run.project} run={run.superseded_by} />.</p>
      )}
      <Since run={run} />
    </section>
  );
}

function Since({ run }: { run: RunDetail }): ReactElement {
  const [open, setOpen] = useState(false);
  const path = `runs/${part(run.project)}/${run.number}/commits`;
  const { data, problem } = useFound<Commits>(open ? path : null);
  const news = data && (data.since ? `${count(data.items.length, "commit")} since run ${data.since.number}`
    : count(data.items.length, "commit"));
  return (
    <details className="sw-details" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><Icon name="commit" /> {news ?? "What is new in it"}</summary>
      {problem && !data && <p className="sw-error"><bdi>{problem.message}</bdi></p>}
      {data && <CommitList commits={data.items} more={data.more} />}
    </details>
  );
}
