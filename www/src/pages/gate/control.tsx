// The fitting control for each type of parameter.
import { type ReactElement, useState } from "react";
import type { Field } from "../../api/shapes";
import type { Draft } from "../../form/check";

interface Props { id: string; field: Field; value: Draft; wrong: boolean; radio: boolean; set: (value: Draft) => void; leave: () => void }

export function Control(props: Props): ReactElement {
  const { field, radio } = props;
  if (field.type === "boolean") return <Switch {...props} />;
  if (field.type === "multi-choice") return <Many {...props} />;
  if (radio) return <Radios {...props} />;
  if (field.choices) return <Select {...props} />;
  if (field.type === "text") return <Lines {...props} />;
  return <OneLine {...props} />;
}

function common({ id, field, wrong, leave }: Props): Record<string, unknown> {
  return { id, name: field.name, className: "sw-input", onBlur: leave, "aria-describedby": `${id}d`,
    "aria-invalid": wrong ? true : undefined, "aria-required": field.required || undefined };
}

const MODES: Partial<Record<Field["type"], "numeric" | "decimal">> = { integer: "numeric", decimal: "decimal" };

function OneLine(props: Props): ReactElement {
  const { field, value, set } = props;
  const [shown, setShown] = useState(false);
  const secret = field.type === "secret";
  const type = secret && !shown ? "password" : field.type === "date" ? "date" : "text";
  const text = typeof value === "string" ? value : "";
  const { min, max } = field.limits;
  const dates = field.type === "date" ? { min: typeof min === "string" ? min : undefined, max: typeof max === "string" ? max : undefined } : {};
  const input = <input {...common(props)} {...dates} type={type} value={text} dir="auto" inputMode={MODES[field.type]} spellCheck={false}
    autoComplete={secret ? "new-password" : "off"} onChange={(event) => set(event.target.value)} />;
  if (!secret) return input;
  return (
    <span className="sw-secret">{input}
      <button type="button" className="sw-button sw-small" aria-pressed={shown} aria-label={`Show ${field.label}`} onClick={() => setShown(!shown)}>{shown ? "Hide" : "Show"}</button>
    </span>
  );
}

function Lines(props: Props): ReactElement {
  const { value, set } = props;
  const text = typeof value === "string" ? value : "";
  return <textarea {...common(props)} rows={Math.min(10, Math.max(3, text.split("\n").length + 1))} dir="auto" value={text} onChange={(event) => set(event.target.value)} />;
}

function Switch(props: Props): ReactElement {
  return (
    <span className="sw-switch">
      <input {...common(props)} className="sw-switch-box" type="checkbox" role="switch" checked={props.value === true} onChange={(event) => props.set(event.target.checked)} />
      <span aria-hidden="true">{props.value === true ? "yes" : "no"}</span>
    </span>
  );
}

function Select(props: Props): ReactElement {
  const { field, value, set } = props;
  const text = typeof value === "string" ? value : "";
  const known = field.choices?.some((one) => one.value === text) ?? false;
  return (
    <select {...common(props)} value={text} onChange={(event) => set(event.target.value)}>
      {(!known || !field.required) && <option value={known ? "" : text}>{known || text === "" ? "(choose)" : `${text} (no longer there)`}</option>}
      {field.choices?.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
    </select>
  );
}

function Radios(props: Props): ReactElement {
  const { id, field, value, wrong, set, leave } = props;
  return (
    <span className="sw-options">
      {field.choices?.map((one) => (
        <label key={one.value}><input type="radio" name={id} checked={value === one.value} aria-invalid={wrong || undefined} onBlur={leave} onChange={() => set(one.value)} /><bdi>{one.label}</bdi></label>
      ))}
      {!field.required && <label><input type="radio" name={id} checked={value === ""} onBlur={leave} onChange={() => set("")} /><span className="sw-dim">none</span></label>}
    </span>
  );
}

function Many(props: Props): ReactElement {
  const { field, value, wrong, set, leave } = props;
  const chosen = Array.isArray(value) ? value : [];
  const turn = (one: string, on: boolean) => {
    // In the order of the choices, whatever the order of the clicks.
    const next = new Set(on ? [...chosen, one] : chosen.filter((other) => other !== one));
    set((field.choices ?? []).map((choice) => choice.value).filter((choice) => next.has(choice)));
  };
  return (
    <span className="sw-options">
      {field.choices?.map((one) => (
        <label key={one.value}><input type="checkbox" name={field.name} checked={chosen.includes(one.value)} aria-invalid={wrong || undefined} onBlur={leave}
          onChange={(event) => turn(one.value, event.target.checked)} /><bdi>{one.label}</bdi></label>
      ))}
    </span>
  );
}
