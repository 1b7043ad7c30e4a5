import { type ReactElement, useId } from "react";

interface Props { value: string; set: (text: string) => void; label: string; hint: string; error?: string }

export function Comment({ value, set, label, hint, error = "" }: Props): ReactElement {
  const id = useId();
  return (
    <div className="sw-field">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} className="sw-input" rows={2} maxLength={2000} dir="auto" value={value} aria-invalid={error ? true : undefined}
        aria-describedby={`${id}h`} onChange={(event) => set(event.target.value)} />
      <span id={`${id}h`} className={error ? "sw-error" : "sw-hint"}>{error || hint}</span>
    </div>
  );
}
