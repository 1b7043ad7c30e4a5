// A dialog of the browser's own: it keeps the focus, ends with Escape, and gives the focus back.
import { type ReactElement, type ReactNode, useEffect, useId, useRef } from "react";
import { Icon } from "./icon";

interface Props { title: ReactNode; close: () => void; children: ReactNode; wide?: boolean }

export function Modal({ title, close, children, wide = false }: Props): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    // The heading is read first; Tab leads on to what is asked.
    heading.current?.focus();
    return () => { if (before instanceof HTMLElement) before.focus(); };
  }, []);
  return (
    <dialog ref={dialog} className={`sw-modal ${wide ? "sw-wide" : ""}`} aria-labelledby={id}
      onCancel={(event) => { event.preventDefault(); close(); }}>
      <header className="sw-modal-head">
        <h2 id={id} ref={heading} tabIndex={-1}>{title}</h2>
        <button type="button" className="sw-button sw-quiet" aria-label="Close" onClick={close}><Icon name="close" /></button>
      </header>
      <div className="sw-modal-body">{children}</div>
    </dialog>
  );
}
