import type { ReactElement, ReactNode } from "react";
import { base } from "../api/client";
import { useMe } from "../api/current-user";
import type { Problem } from "../api/problem";
import type { Found } from "../api/store";
import { Empty, Spinner } from "./atoms";

export function SignIn({ children = "Sign in" }: { children?: ReactNode }): ReactElement {
  const me = useMe();
  const path = (me?.sign_in ?? "/auth/login").replace(/^\//, "");
  return <a className="sw-button" href={`${base()}${path}`} target="_blank" rel="noreferrer">{children}</a>;
}

export function ProblemBox({ problem, retry }: { problem: Problem; retry?: () => void }): ReactElement {
  return (
    <div className="sw-alert sw-failed" role="alert">
      <bdi>{problem.message}</bdi>
      <span className="sw-actions">
        {problem.signedOut && <SignIn />}
        {retry && <button type="button" className="sw-button" onClick={retry}>Try again</button>}
      </span>
    </div>
  );
}

// What every view begins with: waiting, a problem, or the thing itself.
export function Loaded<T>({ found, what, missing, children }: {
  found: Found<T> & { reload: () => void }; what: string; missing?: string; children: (data: T) => ReactNode;
}): ReactElement {
  const { data, problem, reload } = found;
  if (data !== undefined) {
    return <>
      {problem && !problem.unreachable && <ProblemBox problem={problem} retry={reload} />}
      {children(data)}
    </>;
  }
  if (!problem) return <Spinner what={`${what} …`} />;
  if (problem.status === 404 && missing) return <Empty title={missing}>{problem.message}</Empty>;
  return <ProblemBox problem={problem} retry={reload} />;
}
