// The run as a drawing: boxes from left to right, lines from what is waited for.
import { type ReactElement, useEffect, useMemo, useRef, useState } from "react";
import { layout, SIZES, type Sizes } from "../../graph/layout";
import type { RunDetail } from "../../api/shapes";
import { span } from "../../format/time";
import { BOX, BOX_CELLS, BOX_GATE, StageBox } from "./box";

interface Props { run: RunDetail; chosen: string; choose: (name: string) => void }

const NARROW = 560;

export function Graph({ run, chosen, choose }: Props): ReactElement {
  const frame = useRef<HTMLDivElement>(null);
  const room = useRoom(frame);
  const narrow = room < NARROW;
  const onPath = useMemo(() => new Set(criticalPath(run)), [run]);
  const total = run.stages.filter((one) => onPath.has(one.name)).reduce((sum, one) => sum + (one.seconds ?? 0), 0);
  return (
    <section className="sw-card sw-graph-card" aria-label="Stages">
      <div className="sw-graph" ref={frame} tabIndex={-1}>
        {narrow ? <Stacked run={run} chosen={chosen} choose={choose} /> : <Drawn run={run} chosen={chosen} choose={choose} room={room} />}
      </div>
      {onPath.size > 1 && total > 0 && (
        <p className="sw-legend"><span className="sw-legend-line" aria-hidden="true" /> The slowest way through: {span(total)}
          <span className="sw-dim sw-legend-names"> ({criticalPath(run).join(" → ")})</span></p>
      )}
    </section>
  );
}

// What took longest is known when all has ended.
function criticalPath(run: RunDetail): string[] {
  return run.state === "running" ? [] : run.critical_path;
}

function useRoom(frame: React.RefObject<HTMLDivElement>): number {
  const [room, setRoom] = useState(() => window.innerWidth - 60);
  useEffect(() => {
    if (!frame.current) return undefined;
    const observer = new ResizeObserver(([entry]) => entry && setRoom(Math.floor(entry.contentRect.width)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, [frame]);
  return room;
}

// Boxes as wide as the room allows, within what can be read.
function sizes(levels: number, room: number): Sizes {
  const gapX = room < 1200 ? 34 : SIZES.gapX;
  const width = Math.floor((room - 8 - gapX * (levels - 1)) / Math.max(1, levels));
  return { ...SIZES, gapX, width: Math.min(280, Math.max(158, width)) };
}

function Drawn({ run, chosen, choose, room }: Props & { room: number }): ReactElement {
  const levels = Math.max(0, ...run.stages.map((one) => one.level)) + 1;
  const { gapX, width } = sizes(levels, room);
  const shape = run.stages.map((one) => [one.name, one.level, one.results.length > 1, ...one.needs, ...one.on_failure].join("\t")).join("\n");
  // The drawing is made anew when the graph changes, not with each state.
  const drawing = useMemo(() => layout(run.stages.map((one) => ({
    name: one.name, level: one.level, needs: [...one.needs, ...one.on_failure], height: one.manual ? BOX_GATE : one.results.length > 1 ? BOX_CELLS : BOX,
  })), { ...SIZES, gapX, width }), [shape, gapX, width]); // eslint-disable-line react-hooks/exhaustive-deps
  const states = new Map(run.stages.map((one) => [one.name, one]));
  const path = criticalPath(run);
  const critical = new Set(path.slice(1).map((name, index) => `${path[index]}\n${name}`));
  const lines = [...drawing.lines].sort((a, b) =>
    Number(critical.has(`${a.from}\n${a.to}`)) - Number(critical.has(`${b.from}\n${b.to}`)));
  return (
    <div className="sw-drawing" style={{ width: drawing.width, height: drawing.height }}>
      <svg width={drawing.width} height={drawing.height} aria-hidden="true" focusable="false">
        {lines.map((line) => {
          const done = states.get(line.from)?.state === "passed";
          const after = states.get(line.to)?.on_failure.includes(line.from);
          const style = critical.has(`${line.from}\n${line.to}`) ? "sw-line-critical" : after ? "sw-line-failure" : done ? "sw-line-done" : "";
          return <path key={`${line.from}\n${line.to}`} d={line.path} className={`sw-line ${style}`} />;
        })}
      </svg>
      <ul>
        {drawing.boxes.map((box) => {
          const stage = states.get(box.name);
          return stage && (
            <li key={box.name} style={{ left: box.x, top: box.y, width: box.width, height: box.height }}>
              <StageBox run={run} stage={stage} chosen={chosen === box.name} choose={choose} critical={path.includes(box.name)} />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

// Where there is no room for columns: one below the other, with a line between the levels.
function Stacked({ run, chosen, choose }: Props): ReactElement {
  const levels = [...new Set(run.stages.map((one) => one.level))].sort((a, b) => a - b);
  return (
    <ol className="sw-stacked">
      {levels.map((level) => (
        <li key={level}>
          {run.stages.filter((one) => one.level === level).map((stage) => (
            <StageBox key={stage.name} run={run} stage={stage} chosen={chosen === stage.name} choose={choose}
              critical={criticalPath(run).includes(stage.name)} />
          ))}
        </li>
      ))}
    </ol>
  );
}
