import type { ReactElement } from "react";
import { part, send } from "../../api/client";
import { useMay } from "../../api/current-user";
import type { RunDetail, StageDetail } from "../../api/shapes";
import { Confirmed } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { GateLink } from "../../parts/shell";

const ENDED = new Set(["passed", "failed", "cancelled", "skipped", "unchanged", "rejected", "expired"]);

interface Props { run: RunDetail; stage: StageDetail; cell: string }

export function StageActions({ run, stage, cell }: Props): ReactElement {
  const start = useMay("stage.start");
  const cancel = useMay("stage.cancel");
  const path = `runs/${part(run.project)}/${run.number}/stages/${part(stage.name)}`;
  const several = stage.results.length > 1;
  const ended = ENDED.has(stage.state);
  return <>
    {start && ended && !stage.manual && <>
      <Confirmed label={<><Icon name="again" /> Run again</>} title={`Run ${stage.name} again?`} confirm="Run again" reason
        act={(reason) => send(`${path}/rerun`, { ...(reason && { reason }), ...(several && cell && { cell }) })}>
        <p>A new attempt of this stage{several && cell ? <> (cell <bdi>{cell}</bdi>)</> : ""} starts. Stages that wait for it go on when it has passed.</p>
      </Confirmed>
      <Confirmed label="… and all after it" title={`Run ${stage.name} and all after it again?`} confirm="Run again from here" reason
        act={(reason) => send(`${path}/rerun`, { from_here: true, ...(reason && { reason }) })}>
        <p>This stage and every stage that waits for it are tried again. Gates after it ask again.</p>
      </Confirmed>
    </>}
    {start && stage.manual && ended && (
      <Confirmed label={<><Icon name="gate" /> Ask again</>} title={`Ask for ${stage.name} again?`} confirm="Ask again" reason
        act={(reason) => send(`${path}/rerun`, reason ? { reason } : {})}>
        <p>The stage waits for a person once more; nothing starts before a person opens its gate.</p>
      </Confirmed>
    )}
    {start && stage.manual && stage.state === "waiting" && !stage.gate && <GateLink id={`${path}/gate`}>Decide now, run when ready …</GateLink>}
    {cancel && (stage.state === "running" || stage.state === "queued") && (
      <Confirmed label={<><Icon name="cancelled" /> Cancel</>} title={`Cancel ${stage.name}?`} confirm="Cancel the stage" danger reason
        act={(reason) => send(`${path}/cancel`, reason ? { reason } : {})}>
        <p>What is at work is stopped, with all that it started.</p>
      </Confirmed>
    )}
  </>;
}
