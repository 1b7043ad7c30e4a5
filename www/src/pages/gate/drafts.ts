// What is being typed outlives a closed dialog and a new sign-in; secrets are never kept.
import { useEffect, useState } from "react";
import { send } from "../../api/client";
import { isRecord } from "../../api/problem";
import type { GateDetail } from "../../api/shapes";
import { answers, draft, type Draft, type Drafts } from "../../form/check";

const PAUSE = 400;

// A gate that is made by the asking has no number yet.
function key(gate: GateDetail): string {
  return `slipway.gate.${gate.ask}`;
}

export function forget(gate: GateDetail): void {
  sessionStorage.removeItem(key(gate));
}

function recall(gate: GateDetail): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(key(gate)) ?? "{}");
    return isRecord(found) ? found : {};
  } catch {
    return {};
  }
}

function sameKind(kept: unknown, fresh: Draft): kept is Draft {
  return Array.isArray(fresh) ? Array.isArray(kept) && kept.every((one) => typeof one === "string") : typeof kept === typeof fresh;
}

export function useDrafts(gate: GateDetail): [Drafts, (drafts: Drafts) => void, string, (text: string) => void] {
  const [kept] = useState(() => recall(gate));
  const [drafts, setDrafts] = useState<Drafts>(() => {
    const values = isRecord(kept["values"]) ? kept["values"] : {};
    return Object.fromEntries(gate.form.map((field) => {
      // What is asked already is where one begins who asks anew.
      const fresh = draft(field, gate.state === "asked" ? gate.values[field.name] ?? null : field.default);
      const old = values[field.name];
      return [field.name, field.type !== "secret" && sameKind(old, fresh) ? old : fresh];
    }));
  });
  const [comment, setComment] = useState(typeof kept["comment"] === "string" ? kept["comment"] : "");
  useEffect(() => {
    const secret = new Set(gate.form.filter((field) => field.type === "secret").map((field) => field.name));
    const values = Object.fromEntries(Object.entries(drafts).filter(([name]) => !secret.has(name)));
    sessionStorage.setItem(key(gate), JSON.stringify({ values, comment }));
  }, [gate.ask, gate.form, drafts, comment]);
  return [drafts, setDrafts, comment, setComment];
}

// The master's word while one types; secrets stay here until they are meant.
export function useServerCheck(gate: GateDetail, drafts: Drafts, touched: ReadonlySet<string>): Record<string, string> {
  const [refused, setRefused] = useState<{ fields: Record<string, string>; of: Drafts }>({ fields: {}, of: {} });
  useEffect(() => {
    if (touched.size === 0 || gate.id === 0) return undefined;
    let here = true;
    const open = gate.form.filter((field) => field.type !== "secret");
    const timer = setTimeout(() => {
      send<{ fields: Record<string, string> }>(`gates/${gate.id}/check`, { values: answers(open, drafts) })
        .then((answer) => { if (here) setRefused({ fields: answer.fields, of: drafts }); }, () => undefined);
    }, PAUSE);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [gate.id, gate.form, drafts, touched]);
  const asked = new Set(gate.form.filter((field) => field.type !== "secret").map((field) => field.name));
  // A sentence about a value that has been changed since does not count.
  const stands = (name: string) => asked.has(name) && refused.of[name] === drafts[name];
  return Object.fromEntries(Object.entries(refused.fields).filter(([name]) => stands(name)));
}
