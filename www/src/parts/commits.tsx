import type { ReactElement } from "react";
import type { Commit } from "../api/shapes";
import { author } from "../format/words";
import { Ago, Revision, Text } from "./atoms";

export function CommitList({ commits, more }: { commits: Commit[]; more: boolean }): ReactElement {
  if (commits.length === 0) return <p className="sw-dim">No commit lies in between.</p>;
  return (
    <ul className="sw-commits">
      {commits.map((commit) => (
        <li key={commit.revision}>
          <Revision revision={commit.revision} /> <Text text={commit.subject} />
          <span className="sw-meta"><Text text={author(commit.author)} /> <Ago at={commit.committed_at} /></span>
        </li>
      ))}
      {more && <li className="sw-dim">… and more before these</li>}
    </ul>
  );
}
