import { type FormEvent, type ReactElement, useState } from "react";
import { useNavigate } from "react-router-dom";
import { send } from "../../api/client";
import type { Project } from "../../api/shapes";
import { useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { Modal } from "../../parts/modal";
import { ProblemBox } from "../../parts/problem";
import { runPath } from "../../parts/atoms";

export function RunNow({ projects }: { projects: Project[] }): ReactElement {
  const [open, setOpen] = useState(false);
  return <>
    <button type="button" className="sw-button sw-primary" disabled={projects.length === 0} onClick={() => setOpen(true)}>
      <Icon name="play" /> Run now
    </button>
    {open && <Start projects={projects} close={() => setOpen(false)} />}
  </>;
}

function Start({ projects, close }: { projects: Project[]; close: () => void }): ReactElement {
  const [project, setProject] = useState(projects[0]?.name ?? "");
  const [branch, setBranch] = useState("");
  const [revision, setRevision] = useState("");
  const [reason, setReason] = useState("");
  const action = useAction();
  const navigate = useNavigate();
  const branches = projects.find((one) => one.name === project)?.branches ?? [];
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    let to = "";
    const body: Record<string, string> = { project };
    for (const [key, value] of Object.entries({ branch, revision, reason })) if (value.trim()) body[key] = value.trim();
    const done = await action.run(async () => {
      const run = await send<{ project: string; number: number }>("runs", body);
      to = runPath(run.project, run.number);
    });
    if (done) navigate(to);
  };
  const problems = action.problem?.fields ?? {};
  return (
    <Modal title="Run now" close={close}>
      <form onSubmit={(event) => void submit(event)}>
        {projects.length > 1 && (
          <label className="sw-field">Project
            <select className="sw-input" value={project} onChange={(event) => setProject(event.target.value)}>
              {projects.map((one) => <option key={one.name}>{one.name}</option>)}
            </select>
          </label>
        )}
        <Line label="Branch" value={branch} set={setBranch} problem={problems["branch"]} hint={branches[0] ? `left empty: ${branches[0]}` : ""} />
        <Line label="Revision" value={revision} set={setRevision} problem={problems["revision"]} hint="left empty: the branch's newest" />
        <Line label="Reason" value={reason} set={setReason} problem={problems["reason"]} hint="optional; shown with the run" />
        {action.problem && <ProblemBox problem={action.problem} />}
        <div className="sw-foot">
          <button type="button" className="sw-button" onClick={close}>Back</button>
          <button type="submit" className="sw-button sw-primary" disabled={action.busy}>{action.busy ? "Starting …" : "Run"}</button>
        </div>
      </form>
    </Modal>
  );
}

function Line({ label, value, set, problem, hint }:
  { label: string; value: string; set: (text: string) => void; problem: string | undefined; hint: string }): ReactElement {
  return (
    <label className="sw-field">{label}
      <input className="sw-input" value={value} maxLength={300} aria-invalid={problem ? true : undefined} onChange={(event) => set(event.target.value)} />
      {problem ? <span className="sw-error">{problem}</span> : <span className="sw-hint">{hint}</span>}
    </label>
  );
}
