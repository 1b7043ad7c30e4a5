// The form: every parameter, checked as it is typed and again by the master; sent once.
import { type FormEvent, type ReactElement, useRef, useState } from "react";
import { send } from "../../api/client";
import { Problem } from "../../api/problem";
import type { Gate, GateDetail } from "../../api/shapes";
import { answers, check, type Draft } from "../../form/check";
import { useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { ProblemBox } from "../../parts/problem";
import { count } from "../../format/words";
import { Comment } from "./comment";
import { forget, useDrafts, useServerCheck } from "./drafts";
import { FieldRow } from "./field";
import { Reject } from "./reject";
import { Other } from "./what";

interface Props { gate: GateDetail; token: string; close: () => void; made: (id: number) => void; asked: () => void }

export function Ask({ gate, token, close, made, asked }: Props): ReactElement {
  const [drafts, setDrafts, comment, setComment] = useDrafts(gate);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const action = useAction();
  const checked = useServerCheck(gate, drafts, touched);

  const error = (name: string): string => {
    const field = gate.form.find((one) => one.name === name);
    const here = field && touched.has(name) ? check(field, drafts[name] ?? "") : "";
    return here || refused[name] || (touched.has(name) ? checked[name] ?? "" : "");
  };
  const set = (name: string, value: Draft) => {
    setDrafts({ ...drafts, [name]: value });
    setTouched(new Set([...touched, name]));
    setRefused((old) => ({ ...old, [name]: "" }));
  };
  const showFirst = () => requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTouched(new Set(gate.form.map((one) => one.name)));
    if (gate.form.some((one) => check(one, drafts[one.name] ?? ""))) return showFirst();
    const done = await action.run(async () => {
      try {
        const body = { token, values: answers(gate.form, drafts), ...(comment && { comment }) };
        const answer = await send<{ gate: Gate }>(gate.ask, body);
        forget(gate);
        asked();
        if (answer.gate.state !== "asked") close();
        else if (gate.id === 0) made(answer.gate.id);
      } catch (problem) {
        if (problem instanceof Problem) setRefused(problem.fields);
        throw problem;
      }
    });
    if (!done) showFirst();
  };
  const wrong = gate.form.filter((one) => error(one.name)).length;
  return (
    <form ref={form} className="sw-ask" noValidate onSubmit={(event) => void submit(event)}>
      {gate.state === "open" && gate.comment && <p className="sw-alert sw-frozen"><Icon name="warning" /> <bdi>{gate.comment}</bdi></p>}
      {gate.state === "asked" && <p className="sw-alert sw-frozen"><Icon name="warning" /> <span>What <bdi>{gate.person}</bdi> has asked is
        replaced by your answers{gate.approvals.length > 0 && ", and what was approved of it is void"}.</span></p>}
      {gate.form.map((field) => (
        <FieldRow key={field.name} field={field} value={drafts[field.name] ?? ""} error={error(field.name)} set={(value) => set(field.name, value)}
          leave={() => setTouched(new Set([...touched, field.name]))} />
      ))}
      <Comment value={comment} set={setComment} label="Comment" hint="optional; kept with the decision" />
      {gate.approvals_needed > 0 && (
        <p className="sw-note">Then {count(gate.approvals_needed, "approval")} {gate.approvals_needed === 1 ? "is" : "are"} needed
          {gate.requester_counts ? "; yours counts." : ", of others than you."}</p>
      )}
      <Other gate={gate} given={drafts} />
      <div role="alert">
        {action.problem && <ProblemBox problem={action.problem} />}
        {action.problem?.signedOut && <p className="sw-note">What you have typed stays here. Sign in in the new window, come back, and press again.</p>}
        {!action.problem && wrong > 0 && <p className="sw-error">{count(wrong, "answer")} {wrong === 1 ? "is" : "are"} not right yet.</p>}
      </div>
      <div className="sw-foot">
        {gate.may.reject && gate.id !== 0 && <Reject id={gate.id} close={close} />}
        <button type="button" className="sw-button" onClick={gate.state === "asked" ? asked : close}>Not now</button>
        <button type="submit" className="sw-button sw-primary" disabled={action.busy}>{action.busy ? "Sending …" : word(gate)}</button>
      </div>
    </form>
  );
}

function word(gate: GateDetail): string {
  if (gate.approvals_needed > 0) return "Ask for approval";
  if (!gate.environment) return "Open the gate";
  const verb = gate.direction === "rollback" ? "Roll back" : "Deploy";
  return `${verb} ${gate.environment}`;
}
