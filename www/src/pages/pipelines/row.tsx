import { memo } from "react";
import type { ReactElement } from "react";
import { Link } from "react-router-dom";
import type { Gate, RunRow, Stage } from "../../api/shapes";
import { author, count, runWord } from "../../format/words";
import { Chip } from "../../parts/chip";
import { Icon } from "../../parts/icon";
import { StateIcon, tone } from "../../parts/status";
import { Ago, Branch, Revision, runPath, Text, Took } from "../../parts/atoms";

const SHOWN = 24;

interface Props { run: RunRow; gates: Gate[]; several: boolean }

// Drawn anew only when something of this very run has changed: a page has hundreds of chips.
export const RunLine = memo(function RunLine({ run, gates, several }: Props): ReactElement {
  const shown = choose(run.stages);
  const rest = run.stages.length - shown.length;
  return (
    <li className={`sw-run sw-edge sw-${tone(run.state === "waiting" ? "gate" : run.state)}`}>
      <Link to={runPath(run.project, run.number)} className="sw-run-number" title={`Run ${run.number} ${runWord(run.state)}`}>
        <StateIcon state={run.state === "waiting" ? "gate" : run.state} />
        <span>#{run.number}</span>
        <span className="sw-visually-hidden">{runWord(run.state)}</span>
      </Link>
      <div className="sw-run-commit">
        <Link to={runPath(run.project, run.number)} className="sw-run-subject"><Text text={run.subject || "(no message)"} /></Link>
        <span className="sw-meta">
          {several && <Text text={run.project} className="sw-strong" />}
          <Branch branch={run.branch} />
          <Revision revision={run.revision} />
          <Text text={author(run.author)} />
          <Ago at={run.committed_at} />
        </span>
      </div>
      <div className="sw-chips">
        {shown.map((stage) => (
          <Chip key={stage.name} stage={stage} project={run.project} run={run.number}
            gate={gates.find((gate) => gate.id === stage.gate?.id)} />
        ))}
        {rest > 0 && <Link className="sw-chip" to={runPath(run.project, run.number)}>and {count(rest, "more stage")}</Link>}
      </div>
      <div className="sw-run-times">
        <Took seconds={run.seconds} since={run.finished_at === null && run.state === "running" ? run.started_at : null} />
        <span className="sw-meta"><Origin run={run} /> <Ago at={run.started_at} /></span>
      </div>
    </li>
  );
});

// Of very many stages those are shown that a reader may want to see.
function choose(stages: Stage[]): Stage[] {
  if (stages.length <= SHOWN) return stages;
  const quiet = new Set(["passed", "waiting", "skipped", "unchanged", "not-run"]);
  const loud = stages.filter((stage) => !quiet.has(stage.state)).slice(0, SHOWN);
  const few = new Set([...loud, ...stages.slice(0, SHOWN - loud.length)]);
  return stages.filter((stage) => few.has(stage));
}

function Origin({ run }: { run: RunRow }): ReactElement {
  if (!run.person) return <>{run.trigger}</>;
  return <><Icon name="person" /><Text text={run.person} /></>;
}
