// One question: label, help, the fitting control, what it was last time, what is wrong.
import { type ReactElement, useId } from "react";
import type { Field } from "../../api/shapes";
import { draft, type Draft } from "../../form/check";
import { valueText } from "../../format/words";
import { Control } from "./control";

interface Props { field: Field; value: Draft; error: string; set: (value: Draft) => void; leave: () => void }

const GROUPS = new Set(["multi-choice"]);

export function FieldRow({ field, value, error, set, leave }: Props): ReactElement {
  const id = useId();
  const group = GROUPS.has(field.type) || isRadio(field);
  const last = field.type !== "secret" && field.last !== null && field.last !== undefined ? field.last : null;
  const same = last !== null && JSON.stringify(draft(field, last)) === JSON.stringify(value);
  const label = <>{field.label}{field.required && <span className="sw-required" aria-hidden="true"> *</span>}</>;
  return (
    <div className={`sw-field ${error ? "sw-field-wrong" : ""}`} role={group ? "group" : undefined} aria-labelledby={group ? `${id}l` : undefined}
      aria-describedby={group ? `${id}d` : undefined}>
      <div className="sw-field-top">
        {group ? <span id={`${id}l`} className="sw-field-label">{label}</span> : <label htmlFor={id} className="sw-field-label">{label}</label>}
        {last !== null && (
          <span className="sw-last">last time: <bdi title={valueText(last)}>{valueText(last).slice(0, 60)}</bdi>
            {!same && <button type="button" className="sw-link" aria-label={`Take it: ${valueText(last)} for ${field.label}`} onClick={() => set(draft(field, last))}>take it</button>}
          </span>
        )}
      </div>
      <Control id={id} field={field} value={value} wrong={Boolean(error)} set={set} leave={leave} radio={isRadio(field)} />
      <span id={`${id}d`} className="sw-below">
        {error ? <span className="sw-error">{error}</span> : <span className="sw-hint"><bdi>{field.help}</bdi>{limitsText(field)}</span>}
      </span>
    </div>
  );
}

function isRadio(field: Field): boolean {
  return field.type === "choice" && field.choices !== null && field.choices.length <= 4;
}

function limitsText(field: Field): string {
  const { min, max } = field.limits;
  if (field.type === "multi-choice" || (min === undefined && max === undefined) || (min === null && max === null)) return "";
  const range = min != null && max != null ? `${min} to ${max}` : min != null ? `${min} or more` : `at most ${max}`;
  return `${field.help ? " " : ""}(${field.type === "date" ? range.replace("or more", "or later") : range})`;
}
