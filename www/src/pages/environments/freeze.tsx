import { type ReactElement, useState } from "react";
import { part, send } from "../../api/client";
import { useMay } from "../../api/current-user";
import type { Project } from "../../api/shapes";
import { Confirmed, useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { Modal } from "../../parts/modal";
import { ProblemBox } from "../../parts/problem";
import { Comment } from "../gate/comment";

export function Freezes({ projects }: { projects: Project[] }): ReactElement | null {
  const may = useMay("freeze");
  if (!may) return null;
  return <>{projects.map((one) => one.frozen
    ? <Confirmed key={one.name} label={<><Icon name="snow" /> End the freeze of {one.name}</>} title={`End the freeze of ${one.name}?`} confirm="End it"
        act={() => send(`freezes/${part(one.name)}`, {}, "DELETE")}><p>Deployments that were held go on at once.</p></Confirmed>
    : <Freeze key={one.name} project={one.name} />)}</>;
}

function Freeze({ project }: { project: string }): ReactElement {
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState("");
  const action = useAction();
  const freeze = async () => {
    if (await action.run(() => send(`freezes/${part(project)}`, { reason: why.trim() }))) setOpen(false);
  };
  return <>
    <button type="button" className="sw-button" onClick={() => setOpen(true)}><Icon name="snow" /> Freeze {project} …</button>
    {open && (
      <Modal title={<>Freeze deployments of <bdi>{project}</bdi></>} close={() => setOpen(false)}>
        <form onSubmit={(event) => { event.preventDefault(); void freeze(); }}>
          <p>Nothing is deployed until the freeze ends; what is approved meanwhile waits.</p>
          <Comment value={why} set={setWhy} label="Reason" hint="everybody reads it" error={action.problem?.fields["reason"] ?? ""} />
          {action.problem && <ProblemBox problem={action.problem} />}
          <div className="sw-foot"><button type="button" className="sw-button" onClick={() => setOpen(false)}>Back</button>
            <button type="submit" className="sw-button sw-danger" disabled={action.busy || !why.trim()}>Freeze</button></div>
        </form>
      </Modal>
    )}
  </>;
}
