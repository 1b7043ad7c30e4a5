import { describe, expect, it } from "vitest";
import type { Field, FieldType } from "../api/shapes";
import { answer, answers, check, draft } from "./check";

function field(type: FieldType, more: Partial<Field> = {}): Field {
  return { name: "it", type, label: "It", help: null, required: false, default: null, last: null,
    choices: null, limits: {}, ...more };
}

describe("check", () => {
  const small = field("integer", { limits: { min: 1, max: 9 } });
  const price = field("decimal", { limits: { places: 2, min: "0.5" } });
  const name = field("string", { limits: { "min-length": 2, "max-length": 4, pattern: "[a-z]+" } });
  const when = field("date", { limits: { min: "2027-01-02" } });
  const many = field("multi-choice", { limits: { min: 1, max: 2 } });
  it.each([
    [small, "5", ""], [small, "0", "must be at least 1"], [small, "10", "must be at most 9"],
    [small, "1.5", "must be a whole number"], [small, "1e3", "must be a whole number"], [small, "", ""],
    [price, "1.5", ""], [price, "1.555", "has more than 2 digits after the point"],
    [price, ".", "must be a number, such as 1.50"], [price, "0.4", "must be at least 0.5"],
    [name, "abc", ""], [name, "a", "must be at least 2 characters long; 1 were given"],
    [name, "abcde", "must be at most 4 characters long; 5 were given"],
    [name, "AB", "does not match [a-z]+"],
    [when, "2027-01-02", ""], [when, "2027-01-01", "must be 2027-01-02 or later"],
    [when, "2027-13-01", "must be a date, such as 2027-03-31"],
    [many, [], "choose at least 1; 0 chosen"], [many, ["a"], ""],
    [many, ["a", "b", "c"], "choose at most 2; 3 chosen"],
    [field("string", { required: true }), "", "must be answered"],
    [field("boolean", { required: true }), false, ""],
    [field("choice", { choices: [{ value: "a", label: "A" }] }), "b", "can no longer be chosen; choose again"],
  ] as const)("%o given %o: %s", (asked, given, expected) => {
    expect(check(asked, typeof given === "object" ? [...given] : given)).toBe(expected);
  });

  it("leaves a pattern it cannot read to the server", () => {
    expect(check(field("string", { limits: { pattern: "(?i)x(" } }), "y")).toBe("");
  });
  it("counts characters as people do, not as UTF-16 does", () => {
    expect(check(field("string", { limits: { "max-length": 1 } }), "\u{1F680}")).toBe("");
  });
});

describe("answers", () => {
  it("sends numbers exactly, or as they were typed", () => {
    expect(answer(field("integer"), " 42 ")).toBe(42);
    expect(answer(field("integer"), "99999999999999999999")).toBe("99999999999999999999");
    expect(answer(field("decimal"), "1.50")).toBe("1.50");
  });
  it("keeps a secret as it was typed, spaces and all", () => {
    expect(answer(field("secret"), " a ")).toBe(" a ");
    expect(answer(field("secret"), "")).toBeNull();
  });
  it("takes an empty text for no answer and an unswitched switch for no", () => {
    const fields = [field("string"), field("boolean", { name: "dry" })];
    expect(answers(fields, { it: "" })).toEqual({ it: null, dry: false });
  });
  it("begins with the default, never with a secret", () => {
    expect(draft(field("integer", { default: 2 }))).toBe("2");
    expect(draft(field("multi-choice", { default: ["a"] }))).toEqual(["a"]);
    expect(draft(field("secret", { default: "x" }))).toBe("");
  });
});
