// All about one stage: what came of it, its tests, pictures, artefacts, log and attempts.
import { type ReactElement, useState } from "react";
import type { Attempt, RunDetail, StageDetail } from "../../api/shapes";
import { stateWord } from "../../format/words";
import { Icon } from "../../parts/icon";
import { StateLabel } from "../../parts/status";
import { Empty } from "../../parts/atoms";
import { StageActions } from "./actions";
import { newest } from "./attempts";
import { ArtefactTable, Pictures } from "./artefacts";
import { GateCard } from "./gate";
import { LogTail } from "./log";
import { Summary } from "./summary";
import { StageTests } from "./tests";

interface Props { run: RunDetail; stage: StageDetail }

export function Panel({ run, stage }: Props): ReactElement {
  const [cell, setCell] = useState(() => firstCell(stage));
  const results = stage.results.find((one) => one.cell === cell) ?? stage.results[0];
  const [picked, setPicked] = useState<number | null>(null);
  const attempt = results?.attempts.find((one) => one.attempt === picked) ?? newest(results);
  return (
    <section className={`sw-card sw-panel`} aria-label={`Stage ${stage.name}`}>
      <header className="sw-panel-head">
        <h2><bdi>{stage.name}</bdi></h2>
        <StateLabel state={stage.state} flaky={stage.flaky} word={stage.state === "gate" ? "waits for a person" : stage.state === "not-run" ? "not run" : stateWord(stage)} />
        <div className="sw-actions"><StageActions run={run} stage={stage} cell={results?.cell ?? ""} /></div>
      </header>
      {stage.waits && <p className="sw-alert sw-queued"><Icon name="queued" /> <span>Not begun yet: <bdi>{stage.waits}</bdi></span></p>}
      {stage.gate && <GateCard gate={stage.gate} />}
      <div className="sw-pickers">
        {stage.results.length > 1 && (
          <label>Cell <select className="sw-input" value={results?.cell ?? ""} onChange={(event) => { setCell(event.target.value); setPicked(null); }}>
            {stage.results.map((one) => <option key={one.cell} value={one.cell}>{one.cell || "(all)"}: {newest(one)?.state}</option>)}
          </select></label>
        )}
        {results && results.attempts.length > 1 && (
          <label>Attempt <select className="sw-input" value={attempt?.attempt ?? ""} onChange={(event) => setPicked(Number(event.target.value))}>
            {results.attempts.map((one) => <option key={one.id} value={one.attempt}>{one.attempt}{one === newest(results) ? " (newest)" : one.rollback ? " (rollback)" : ""}: {one.state}</option>)}
          </select></label>
        )}
      </div>
      {attempt ? <Tabs key={attempt.id} run={run} stage={stage} cell={results?.cell ?? ""} attempt={attempt} />
        : !stage.gate && <Untried stage={stage} />}
    </section>
  );
}

function Untried({ stage }: { stage: StageDetail }): ReactElement {
  const needs = stage.needs.join(", ");
  if (stage.state === "not-run") return <Empty title="It was not run.">{needs && `Not all it needs has passed (${needs}). Run what failed again, and it goes on from there.`}</Empty>;
  return <Empty title="Not tried yet.">{needs && `It waits for ${needs}.`}</Empty>;
}

function firstCell(stage: StageDetail): string {
  const bad = stage.results.find((one) => newest(one)?.state === "failed");
  return (bad ?? stage.results[0])?.cell ?? "";
}

interface TabProps extends Props { cell: string; attempt: Attempt }
interface Tab { name: string; caption: string; there: boolean; show: () => ReactElement }

function Tabs({ run, stage, cell, attempt }: TabProps): ReactElement {
  const ran = attempt.started_at !== null;
  const tested = ["tests", "features"].includes(stage.uses) || "tests" in attempt.facts;
  const pictures = attempt.artefacts.filter((one) => /^image\/(png|jpeg|gif|webp)$/.test(one.media_type));
  const of = { run, stage, cell, attempt };
  const tabs: Tab[] = [
    { name: "summary", caption: "Summary", there: true, show: () => <Summary {...of} /> },
    { name: "tests", caption: stage.uses === "features" ? "Scenarios" : "Tests", there: ran && tested, show: () => <StageTests {...of} /> },
    { name: "pictures", caption: `Pictures (${pictures.length})`, there: pictures.length > 0, show: () => <Pictures artefacts={pictures} /> },
    { name: "artefacts", caption: `Artefacts (${attempt.artefacts.length})`, there: attempt.artefacts.length > 0,
      show: () => <ArtefactTable artefacts={attempt.artefacts} /> },
    { name: "log", caption: "Log", there: ran, show: () => <LogTail {...of} /> },
  ].filter((tab) => tab.there);
  const first = attempt.state === "failed" && tested && ran ? "tests" : attempt.state === "running" ? "log" : "summary";
  const [chosen, setChosen] = useState(first);
  const tab = tabs.find((one) => one.name === chosen) ?? tabs[0];
  const move = (event: React.KeyboardEvent, index: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    if (!next) return;
    setChosen(next.name);
    document.getElementById(`sw-tab-${next.name}`)?.focus();
  };
  return <>
    <div role="tablist" className="sw-tabs" aria-label={`Of stage ${stage.name}`}>
      {tabs.map((one, index) => (
        <button key={one.name} type="button" role="tab" id={`sw-tab-${one.name}`} aria-selected={one === tab} aria-controls="sw-tabpanel"
          tabIndex={one === tab ? 0 : -1} className="sw-tab" onClick={() => setChosen(one.name)} onKeyDown={(event) => move(event, index)}>
          {one.caption}
        </button>
      ))}
    </div>
    <div role="tabpanel" id="sw-tabpanel" aria-labelledby={`sw-tab-${tab?.name}`} className="sw-tabpanel" tabIndex={0}>{tab?.show()}</div>
  </>;
}
