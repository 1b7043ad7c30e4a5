import type { ReactElement } from "react";
import { Link, useNavigate } from "react-router-dom";
import { query } from "../../api/client";
import type { Page, TestMoment } from "../../api/shapes";
import { useFound } from "../../api/store";
import { absolute, span } from "../../format/time";
import { Icon } from "../../parts/icon";
import { Loaded } from "../../parts/problem";
import { StateLabel, tone } from "../../parts/status";
import { Ago, Branch, Empty, Revision, RunLink, runPath } from "../../parts/atoms";

interface Props { project: string; stage: string; cell: string; name: string }

const WIDTH = 720;
const HEIGHT = 130;
const BAD = new Set(["failed", "error"]);

export function TestHistory({ project, stage, cell, name }: Props): ReactElement {
  const found = useFound<Page<TestMoment>>(`tests/history${query({ project, stage, cell, name, limit: 50 })}`);
  return (
    <section className="sw-card" aria-label={`History of ${name}`}>
      <header className="sw-panel-head"><h2><bdi>{name}</bdi></h2>
        <Link className="sw-button sw-quiet" to="/tests" aria-label="Close the history"><Icon name="close" /></Link></header>
      <Loaded found={found} what="Fetching its history" missing="This test was never seen.">
        {(page) => page.items.length === 0 ? <Empty title="This test was never seen." /> : <>
          <Plot items={[...page.items].reverse()} project={project} stage={stage} />
          <div className="sw-scroll" tabIndex={0} role="group" aria-label="Each time"><table className="sw-table">
            <thead><tr><th scope="col">Run</th><th scope="col">Outcome</th><th scope="col">Took</th><th scope="col">Branch</th><th scope="col">Revision</th><th scope="col">When</th><th scope="col">Message</th></tr></thead>
            <tbody>{page.items.map((one) => (
              <tr key={`${one.run} ${one.attempt}`}>
                <td><RunLink project={project} run={one.run} stage={stage} />{one.attempt > 1 && ` (attempt ${one.attempt})`}</td>
                <td><StateLabel state={one.status} word={one.status} /></td>
                <td className="sw-num">{span(one.seconds)}</td>
                <td><Branch branch={one.branch} /></td><td><Revision revision={one.revision} /></td><td><Ago at={one.at} /></td>
                <td><bdi className="sw-cut" title={one.message}>{one.message.split("\n")[0]}</bdi></td>
              </tr>))}</tbody>
          </table></div>
        </>}
      </Loaded>
    </section>
  );
}

// A bar a time: as high as it was long, in the colour of its outcome. Each leads to its run.
function Plot({ items, project, stage }: { items: TestMoment[]; project: string; stage: string }): ReactElement {
  const navigate = useNavigate();
  const most = Math.max(...items.map((one) => one.seconds), 0.001);
  const width = Math.min(40, WIDTH / items.length);
  const failed = items.filter((one) => BAD.has(one.status)).length;
  return (
    <figure className="sw-plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${items.length} times, failed ${failed} times, at most ${span(most)}`}>
        <line x1="0" x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} className="sw-axis" />
        <text x="4" y="12" className="sw-axis-text">{span(most)}</text>
        {items.map((one, index) => {
          const height = Math.max(6, ((one.seconds) / most) * (HEIGHT - 22));
          return (
            <rect key={`${one.run} ${one.attempt}`} x={index * width + 1} width={Math.max(2, width - 3)} y={HEIGHT - 2 - height} height={height} rx="2"
              className={`sw-plot-bar sw-${tone(one.status)}`} onClick={() => navigate(runPath(project, one.run, stage))}>
              <title>{`run ${one.run}: ${one.status}, ${span(one.seconds)}${one.at !== null ? `, ${absolute(one.at)}` : ""}`}</title>
            </rect>
          );
        })}
      </svg>
    </figure>
  );
}
