import { type ReactElement, useState } from "react";
import { Link } from "react-router-dom";
import { part, query } from "../../api/client";
import type { Attempt, RunDetail, StageDetail, TestCase, TestList } from "../../api/shapes";
import { useFound } from "../../api/store";
import { span } from "../../format/time";
import { Loaded } from "../../parts/problem";
import { StateIcon } from "../../parts/state";
import { Empty } from "../../parts/text";

interface Props { run: RunDetail; stage: StageDetail; cell: string; attempt: Attempt }

const AT_FIRST = 50;
const BAD = new Set(["failed", "error"]);

export function StageTests({ run, stage, cell, attempt }: Props): ReactElement {
  const path = `runs/${part(run.project)}/${run.number}/stages/${part(stage.name)}/tests${query({ cell, attempt: attempt.attempt })}`;
  const found = useFound<TestList>(path);
  const [all, setAll] = useState(false);
  return (
    <Loaded found={found} what="Fetching the tests" missing="No tests were told.">
      {(tests) => {
        if (tests.items.length === 0) return <Empty title="No test was told yet." />;
        const bad = tests.items.filter((one) => BAD.has(one.status)).length;
        const shown = all ? tests.items : tests.items.slice(0, Math.max(AT_FIRST, bad));
        return <>
          <p className="sw-meta">{Object.entries(tests.counts).map(([status, number]) => `${number.toLocaleString("en")} ${status}`).join(" · ")}</p>
          <ul className="sw-testlist">{shown.map((one, index) => <Case key={`${index} ${one.name}`} test={one} run={run} stage={stage} />)}</ul>
          {shown.length < tests.items.length && (
            <button type="button" className="sw-button" onClick={() => setAll(true)}>Show all {tests.items.length.toLocaleString("en")}</button>
          )}
        </>;
      }}
    </Loaded>
  );
}

function Case({ test, run, stage }: { test: TestCase; run: RunDetail; stage: StageDetail }): ReactElement {
  const history = `/tests${query({ project: run.project, stage: stage.name, cell: test.cell, name: test.name })}`;
  return (
    <li className="sw-test">
      <div className="sw-test-line">
        <StateIcon state={test.status} />
        <span className="sw-visually-hidden">{test.status}</span>
        <bdi className="sw-test-name" title={test.name}>{test.name}</bdi>
        {test.file && <code className="sw-code sw-dim">{test.file}{test.line !== null ? `:${test.line}` : ""}</code>}
        {test.seconds !== null && <span className="sw-num sw-dim">{span(test.seconds)}</span>}
        <Link className="sw-small-link" to={history}>history<span className="sw-visually-hidden"> of {test.name}</span></Link>
      </div>
      {test.message && <pre className="sw-message" dir="auto">{test.message}</pre>}
    </li>
  );
}
