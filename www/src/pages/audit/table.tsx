import { type ReactElement } from "react";
import type { AuditRow } from "../../api/shapes";
import { Ago, Text } from "../../parts/atoms";

// As people say it; the filter and the files have the trail's own words.
const ACTIONS: Record<string, string> = { insert: "made", update: "changed", delete: "removed" };

export function AuditTable({ rows }: { rows: AuditRow[] }): ReactElement {
  return (
    <div className="sw-card sw-scroll" tabIndex={0} role="group" aria-label="What was done"><table className="sw-table">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Project</th><th scope="col">Changes</th></tr></thead>
      <tbody>{rows.map((row) => (
        <tr key={row.id}>
          <td><Ago at={row.at} /></td><td><Text text={row.actor} className="sw-strong" /></td>
          <td className="sw-wide-cell"><Text text={`${ACTIONS[row.action] ?? row.action} ${row.entity}: ${row.summary || row.entity_id}`} /></td><td><Text text={row.project ?? ""} /></td>
          <td><Changes row={row} /></td>
        </tr>))}</tbody>
    </table></div>
  );
}

function Changes({ row }: { row: AuditRow }): ReactElement | null {
  const names = [...new Set([...Object.keys(row.old ?? {}), ...Object.keys(row.new ?? {})])];
  if (names.length === 0) return null;
  return (
    <details className="sw-details sw-inline"><summary>{names.length}</summary>
      <dl className="sw-diff">{names.map((name) => (
        <div key={name}><dt>{name}</dt><dd>{row.old && name in row.old && <del dir="auto">{asText(row.old[name])}</del>} {row.new && name in row.new && <ins dir="auto">{asText(row.new[name])}</ins>}</dd></div>
      ))}</dl>
    </details>
  );
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
