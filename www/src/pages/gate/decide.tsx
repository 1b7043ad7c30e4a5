import { type ReactElement, useState } from "react";
import { send } from "../../api/client";
import type { Gate, GateDetail } from "../../api/shapes";
import { useDeed } from "../../parts/deed";
import { Icon } from "../../parts/icon";
import { ProblemBox } from "../../parts/problem";
import { Comment } from "./comment";
import { Reject } from "./reject";

export function Decide({ gate, close }: { gate: GateDetail; close: () => void }): ReactElement {
  const [comment, setComment] = useState("");
  const deed = useDeed();
  const approve = async () => {
    await deed.run(async () => {
      const answer = await send<{ gate: Gate }>(`gates/${gate.id}/approve`, comment ? { comment } : {});
      if (answer.gate.state !== "asked") close();
    });
  };
  return <>
    {gate.may.approve && <Comment value={comment} set={setComment} label="Comment" hint="optional; kept with the decision" />}
    {deed.problem && <ProblemBox problem={deed.problem} />}
    <div className="sw-foot">
      {gate.may.reject && <Reject id={gate.id} close={close} />}
      <button type="button" className="sw-button" onClick={close}>Not now</button>
      {gate.may.approve && (
        <button type="button" className="sw-button sw-primary" disabled={deed.busy} onClick={() => void approve()}>
          <Icon name="passed" /> {deed.busy ? "Sending …" : "Approve"}
        </button>
      )}
    </div>
  </>;
}
