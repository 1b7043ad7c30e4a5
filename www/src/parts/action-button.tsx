// Buttons that change something: confirmed where it matters, sent once, with the error when it failed.
import { type ReactElement, type ReactNode, useRef, useState } from "react";
import { Problem } from "../api/problem";
import { refresh } from "../api/store";
import { Modal } from "./modal";
import { ProblemBox } from "./problem";

export interface Action { busy: boolean; problem: Problem | null; clear: () => void; run: (doing: () => Promise<unknown>) => Promise<boolean> }

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const once = useRef(false);
  const run = async (doing: () => Promise<unknown>): Promise<boolean> => {
    // A double click comes before React has drawn the button disabled.
    if (once.current) return false;
    once.current = true;
    setBusy(true);
    setProblem(null);
    try {
      await doing();
      refresh();
      return true;
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, String(error)));
      return false;
    } finally {
      once.current = false;
      setBusy(false);
    }
  };
  return { busy, problem, clear: () => setProblem(null), run };
}

interface Props {
  label: ReactNode;
  title: string;
  children: ReactNode;
  confirm: string;
  danger?: boolean;
  reason?: boolean;
  className?: string;
  act: (reason: string) => Promise<unknown>;
}

export function Confirmed({ label, title, children, confirm, danger = false, reason = false, className = "", act }: Props): ReactElement {
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState("");
  const action = useAction();
  const send = async () => {
    if (await action.run(() => act(why))) setOpen(false);
  };
  return <>
    <button type="button" className={`sw-button ${className}`} onClick={() => { action.clear(); setOpen(true); }}>{label}</button>
    {open && (
      <Modal title={title} close={() => setOpen(false)}>
        <form onSubmit={(event) => { event.preventDefault(); void send(); }}>
          {children}
          {reason && (
            <label className="sw-field">Reason (optional)
              <input className="sw-input" value={why} maxLength={500} onChange={(event) => setWhy(event.target.value)} />
            </label>
          )}
          {action.problem && <ProblemBox problem={action.problem} />}
          <div className="sw-foot">
            <button type="button" className="sw-button" onClick={() => setOpen(false)}>Back</button>
            <button type="submit" className={`sw-button ${danger ? "sw-danger" : "sw-primary"}`} disabled={action.busy}>
              {action.busy ? "Sending …" : confirm}
            </button>
          </div>
        </form>
      </Modal>
    )}
  </>;
}
