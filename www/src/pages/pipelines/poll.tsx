import type { ReactElement } from "react";
import { send } from "../../api/client";
import type { Project } from "../../api/shapes";
import { Icon } from "../../parts/icon";
import { ProblemBox } from "../../parts/problem";
import { useAction } from "../../parts/action-button";
import { Ago, Text } from "../../parts/atoms";

export function PollNow({ projects }: { projects: Project[] }): ReactElement {
  const action = useAction();
  const poll = () => action.run(() => send("polls", {}));
  return <>
    <button type="button" className="sw-button" disabled={action.busy || projects.length === 0} onClick={() => void poll()}>
      <Icon name="again" className={action.busy ? "sw-spin" : ""} /> {action.busy ? "Looking …" : "Poll now"}
    </button>
    {action.problem && <ProblemBox problem={action.problem} />}
  </>;
}

// What the last looks at the repositories found, and where deployments are frozen.
export function Polls({ projects }: { projects: Project[] }): ReactElement {
  return <>
    {projects.filter((one) => one.frozen).map((one) => (
      <div key={one.name} className="sw-alert sw-frozen">
        <Icon name="snow" /> <span>Deployments of <bdi>{one.name}</bdi> are frozen by <bdi>{one.frozen?.person}</bdi>:{" "}
        <bdi>{one.frozen?.reason}</bdi></span>
      </div>
    ))}
    {projects.filter((one) => one.last_poll?.failed).map((one) => (
      <div key={one.name} className="sw-alert sw-failed">
        <Icon name="warning" /> <span><bdi>{one.name}</bdi>: <bdi>{one.last_poll?.outcome}</bdi></span>
      </div>
    ))}
    {projects.length > 0 && (
      <p className="sw-meta sw-polls">
        {projects.slice(0, 4).map((one) => (
          <span key={one.name}>
            <Text text={one.name} className="sw-strong" />{" "}
            {one.last_poll ? <>looked <Ago at={one.last_poll.at} />: <bdi>{one.last_poll.outcome}</bdi></> : "not looked at yet"}
          </span>
        ))}
      </p>
    )}
  </>;
}
