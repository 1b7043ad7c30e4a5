// No, and why: as easy as yes.
import { type ReactElement, useState } from "react";
import { send } from "../../api/client";
import { useAction } from "../../parts/action-button";
import { Icon } from "../../parts/icon";
import { Modal } from "../../parts/modal";
import { ProblemBox } from "../../parts/problem";
import { Comment } from "./comment";

export function Reject({ id, close }: { id: number; close: () => void }): ReactElement {
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState("");
  const [asked, setAsked] = useState(false);
  const action = useAction();
  const send_ = async () => {
    setAsked(true);
    if (!why.trim()) return;
    if (await action.run(() => send(`gates/${id}/reject`, { comment: why.trim() }))) close();
  };
  return <>
    <button type="button" className="sw-button sw-danger-quiet sw-first" onClick={() => setOpen(true)}><Icon name="rejected" /> Reject …</button>
    {open && (
      <Modal title="Reject it?" close={() => setOpen(false)}>
        <Comment value={why} set={setWhy} label="Why" hint="those who asked will read it" error={asked && !why.trim() ? "say why" : ""} />
        {action.problem && <ProblemBox problem={action.problem} />}
        <div className="sw-foot">
          <button type="button" className="sw-button" onClick={() => setOpen(false)}>Back</button>
          <button type="button" className="sw-button sw-danger" disabled={action.busy} onClick={() => void send_()}>{action.busy ? "Sending …" : "Reject"}</button>
        </div>
      </Modal>
    )}
  </>;
}
