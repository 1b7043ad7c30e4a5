// What exactly will be deployed: version, commit, hash, and what is new in it.
import type { ReactElement } from "react";
import type { GateDetail } from "../../api/shapes";
import { count } from "../../format/words";
import { CommitList } from "../../parts/commits";
import { Icon } from "../../parts/icon";
import { Ago, Branch, Copy, Hash, Revision, RunLink, Text } from "../../parts/atoms";
import { ArtefactTable } from "../run/artefacts";

export function What({ gate }: { gate: GateDetail }): ReactElement {
  const { deploys, replaces } = gate;
  const back = gate.direction === "rollback";
  const decided = !["open", "asked", "approved"].includes(gate.state);
  const goes = back ? "goes back to" : "will be deployed";
  return (
    <section className="sw-what" aria-label="What it is about">
      <div className="sw-change">
        {replaces && <>
          <Side caption={decided ? "ran there then" : "runs now"} version={replaces.version}>
            <RunLink project={gate.project} run={replaces.run} /> · <Ago at={replaces.finished_at ?? replaces.started_at} />
            {replaces.person && <> · <bdi>{replaces.person}</bdi></>}
          </Side>
          <Icon name={back ? "left" : "right"} className="sw-arrow" />
        </>}
        <Side caption={!gate.environment ? "this run" : decided ? "this release" : goes} version={deploys?.version ?? gate.version}>
          <RunLink project={gate.project} run={gate.run} stage={gate.stage} /> · <Branch branch={gate.branch} /> · <Revision revision={gate.revision} />
        </Side>
      </div>
      <Text text={gate.subject} className="sw-subject" />
      {deploys?.manifest_sha256 && (
        <p className="sw-meta">Manifest <Hash hash={deploys.manifest_sha256} /> <Copy text={deploys.manifest_sha256} what="the manifest's hash" />
          <span>published <Ago at={deploys.published_at} /></span></p>
      )}
      {!gate.ready && <p className="sw-alert sw-frozen"><Icon name="queued" /> Stages before it are not done: what is decided now counts when they have passed.</p>}
      {gate.environment && (
        <details className="sw-details" open={gate.commits.length > 0 && gate.commits.length <= 5}>
          <summary><Icon name="commit" /> {commitsWord(gate)}</summary>
          <CommitList commits={gate.commits} more={gate.commits_more} />
        </details>
      )}
      {deploys && deploys.artefacts.length > 0 && (
        <details className="sw-details">
          <summary><Icon name="releases" /> {count(deploys.artefacts.length, "artefact")}, each by its hash</summary>
          <ArtefactTable artefacts={deploys.artefacts} />
        </details>
      )}
    </section>
  );
}

// Where a question asks which release, its answer is what goes there, not the run's own.
export function otherRelease(gate: GateDetail, given: Record<string, unknown>): { version: string; label: string } | null {
  const field = gate.environment ? gate.form.find((one) => one.type === "release") : undefined;
  const version = field && given[field.name];
  return field && typeof version === "string" && version && version !== gate.deploys?.version ? { version, label: field.label } : null;
}

export function Other({ gate, given }: { gate: GateDetail; given: Record<string, unknown> }): ReactElement | null {
  const other = otherRelease(gate, given);
  return other && (
    <p className="sw-alert sw-frozen"><Icon name="warning" /> <span><bdi className="sw-strong">{other.version}</bdi> will be deployed, as
      “<bdi>{other.label}</bdi>” says, not <bdi>{gate.deploys?.version ?? gate.version}</bdi>.</span></p>
  );
}

function commitsWord(gate: GateDetail): string {
  const number = `${gate.commits.length}${gate.commits_more ? "+" : ""} ${gate.commits.length === 1 ? "commit" : "commits"}`;
  if (gate.direction === "rollback") return `${number} will go away`;
  if (gate.direction === "again") return "The same release again";
  return gate.replaces ? `${number} since ${gate.replaces.version}` : `${number}: the first deployment`;
}

function Side({ caption, version, children }: { caption: string; version: string; children: React.ReactNode }): ReactElement {
  return <div className="sw-side"><span className="sw-caption">{caption}</span><Text text={version} className="sw-version" /><span className="sw-meta">{children}</span></div>;
}
