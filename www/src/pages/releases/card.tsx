import type { ReactElement } from "react";
import { local, part } from "../../api/client";
import type { Release } from "../../api/shapes";
import { author, count } from "../../format/words";
import { Icon } from "../../parts/icon";
import { Ago, Branch, Copy, Hash, Revision, RunLink, Text } from "../../parts/atoms";
import { Publications } from "../../parts/publications";
import { ArtefactTable } from "../run/artefacts";

export function ReleaseCard({ release, several, open }: { release: Release; several: boolean; open: boolean }): ReactElement {
  return (
    <article className="sw-card sw-release" aria-label={`Release ${release.version}`}>
      <header className="sw-card-head">
        <h2>{several && <bdi className="sw-dim">{release.project} </bdi>}<Text text={release.version} className="sw-version" /></h2>
        <span className="sw-tags">
          {release.blocked && <span className="sw-label sw-failed"><Icon name="failed" />blocked</span>}
          {release.channels.map((one) => <span key={one} className="sw-label sw-running"><bdi>{one}</bdi></span>)}
          {release.deployed.map((one) => (
            <span key={one.environment} className="sw-label sw-passed"><Icon name="environments" /><bdi>{one.environment}</bdi> <Ago at={one.at} /></span>
          ))}
        </span>
      </header>
      {release.blocked && (
        <p className="sw-alert sw-failed"><Icon name="warning" /> <span>Nothing deploys, promotes or offers it: <bdi>{release.blocked.reason}</bdi> <span className="sw-dim">
          blocked by <bdi>{release.blocked.person}</bdi> <Ago at={release.blocked.at} /></span></span></p>
      )}
      <p className="sw-meta"><RunLink project={release.project} run={release.run} /> <Branch branch={release.branch} /> <Revision revision={release.revision} />
        <Text text={release.subject} /> <Text text={author(release.author)} /> <Ago at={release.published_at} before="published " /></p>
      <Publications publications={release.publications} />
      <details className="sw-details" open={open}>
        <summary>{count(release.artefacts.length, "artefact")}{release.reports.length > 0 && `, ${count(release.reports.length, "report")}`}, and how to verify them</summary>
        <ArtefactTable artefacts={release.artefacts} />
        {release.reports.length > 0 && <><h3>Reports</h3><ArtefactTable artefacts={release.reports} /></>}
        <dl className="sw-values">
          <div><dt>Manifest</dt><dd><Hash hash={release.manifest_sha256} /> <Copy text={release.manifest_sha256} what="the manifest's hash" /></dd></div>
          <div><dt>Place</dt><dd><Text text={release.place} /></dd></div>
          <div><dt>Page</dt><dd><a href={local(`/plugins/slipway/releases/${part(release.project)}/${part(release.version)}/index.html`)}>{release.project} {release.version}</a>,{" "}
            <a href={local(`/plugins/slipway/releases/${part(release.project)}/`)}>all of its releases</a></dd></div>
        </dl>
        {release.verify && <p className="sw-verify"><code className="sw-code">{release.verify}</code> <Copy text={release.verify} what="the command" /></p>}
      </details>
    </article>
  );
}
