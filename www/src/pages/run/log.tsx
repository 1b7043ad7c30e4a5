import { type ReactElement, useEffect, useRef } from "react";
import { part, query } from "../../api/client";
import type { Attempt, RunDetail, StageDetail } from "../../api/shapes";
import { useFound } from "../../api/store";
import { count } from "../../format/words";
import { Loaded } from "../../parts/problem";
import { Empty } from "../../parts/atoms";

interface Log { text: string; first: number; total: number; complete: boolean }

interface Props { run: RunDetail; stage: StageDetail; cell: string; attempt: Attempt }

const EVERY = 1500;

export function LogTail({ run, stage, cell, attempt }: Props): ReactElement {
  const path = `runs/${part(run.project)}/${run.number}/stages/${part(stage.name)}/log${query({ cell, attempt: attempt.attempt, lines: 200 })}`;
  const found = useFound<Log>(path);
  const { reload } = found;
  const going = attempt.state === "running" || found.data?.complete === false;
  // Lines of a log are no change of a run: they are not pushed.
  useEffect(() => {
    if (!going) return undefined;
    const timer = setInterval(() => { if (!document.hidden) reload(); }, EVERY);
    return () => clearInterval(timer);
  }, [going, reload]);
  return (
    <Loaded found={found} what="Fetching the log" missing="There is no log.">
      {(log) => log.text ? <Lines log={log} /> : <Empty title={going ? "Nothing was printed yet." : "The log is empty."} />}
    </Loaded>
  );
}

// Stays at the end while one is at the end, and where one reads otherwise.
function Lines({ log }: { log: Log }): ReactElement {
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log.text]);
  const scrolled = () => {
    const one = box.current;
    if (one) atEnd.current = one.scrollHeight - one.scrollTop - one.clientHeight < 24;
  };
  return <>
    <p className="sw-meta">{log.first > 1 ? `the last of ${count(log.total, "line")}` : count(log.total, "line")}{log.complete ? "" : ", live"}</p>
    <pre ref={box} className="sw-log" dir="ltr" tabIndex={0} onScroll={scrolled} aria-label="Log">{log.text}</pre>
  </>;
}
