// What can be checked of an answer while it is typed. The server checks everything again.
import type { Field, Value } from "../api/shapes";

export type Draft = string | boolean | string[];
export type Drafts = Record<string, Draft>;

// What a field shows first: the default, or nothing.
export function draft(field: Field, value: Value = field.default): Draft {
  if (field.type === "boolean") return value === true;
  if (field.type === "multi-choice") return Array.isArray(value) ? value : [];
  if (field.type === "secret" || value === null || value === undefined) return "";
  return String(value);
}

// What is sent: an empty text is no answer.
export function answer(field: Field, given: Draft): Value {
  if (typeof given !== "string") return given;
  if (field.type === "secret") return given === "" ? null : given;
  const text = field.type === "text" || field.type === "string" ? given : given.trim();
  if (text === "") return null;
  // A number that a browser cannot hold exactly goes as it is: the server says what is wrong.
  return field.type === "integer" && isWhole(text) ? Number(text) : text;
}

export function answers(fields: readonly Field[], drafts: Drafts): Record<string, Value> {
  return Object.fromEntries(fields.map((field) => [
    field.name, answer(field, drafts[field.name] ?? draft(field)),
  ]));
}

function isWhole(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text));
}

// A sentence, or nothing where nothing is wrong.
export function check(field: Field, given: Draft): string {
  const value = answer(field, given);
  if (value === null || (Array.isArray(value) && value.length === 0 && field.required)) {
    return field.required ? "must be answered" : "";
  }
  switch (field.type) {
    case "integer": return checkInteger(field, String(value));
    case "decimal": return checkDecimal(field, String(value));
    case "date": return checkDate(field, String(value));
    case "multi-choice": return checkMany(field, Array.isArray(value) ? value : []);
    case "string": case "text": case "secret": return checkText(field, String(value));
    default: return checkChoice(field, value);
  }
}

function checkChoice(field: Field, value: Value): string {
  const known = field.choices?.some((one) => one.value === value) ?? true;
  return known ? "" : "can no longer be chosen; choose again";
}

function checkText(field: Field, text: string): string {
  const length = [...text].length;
  const least = number(field, "min-length", "min_length");
  const most = number(field, "max-length", "max_length");
  if (least !== null && length < least) {
    return `must be at least ${least} characters long; ${length} were given`;
  }
  if (most !== null && length > most) {
    return `must be at most ${most} characters long; ${length} were given`;
  }
  const pattern = field.limits["pattern"];
  if (typeof pattern === "string" && text && !matches(pattern, text)) return `does not match ${pattern}`;
  return "";
}

// The server's expressions are of another engine: one that JavaScript cannot read is left to it.
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(text);
  } catch {
    return true;
  }
}

function checkInteger(field: Field, text: string): string {
  return /^[+-]?\d+$/.test(text) ? checkSpan(field, text) : "must be a whole number";
}

function checkDecimal(field: Field, text: string): string {
  const found = /^[+-]?\d*(?:\.(\d*))?$/.exec(text);
  if (!found || !/\d/.test(text)) return "must be a number, such as 1.50";
  const places = number(field, "places");
  if (places !== null && (found[1]?.length ?? 0) > places) {
    return places === 0 ? "must be a number without a point" : `has more than ${places} digits after the point`;
  }
  return checkSpan(field, text);
}

function checkSpan(field: Field, text: string): string {
  const least = number(field, "min");
  const most = number(field, "max");
  if (least !== null && Number(text) < least) return `must be at least ${field.limits["min"]}`;
  if (most !== null && Number(text) > most) return `must be at most ${field.limits["max"]}`;
  return "";
}

function checkDate(field: Field, text: string): string {
  const there = /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
  if (!there) return "must be a date, such as 2027-03-31";
  const { min, max } = field.limits;
  if (typeof min === "string" && text < min) return `must be ${min} or later`;
  if (typeof max === "string" && text > max) return `must be ${max} or earlier`;
  return "";
}

function checkMany(field: Field, chosen: readonly string[]): string {
  const least = number(field, "min");
  const most = number(field, "max");
  if (least !== null && chosen.length < least) return `choose at least ${least}; ${chosen.length} chosen`;
  if (most !== null && chosen.length > most) return `choose at most ${most}; ${chosen.length} chosen`;
  return "";
}

function number(field: Field, ...keys: string[]): number | null {
  for (const key of keys) {
    const found = field.limits[key];
    if (typeof found === "number") return found;
    if (typeof found === "string" && found !== "") return Number(found);
  }
  return null;
}
