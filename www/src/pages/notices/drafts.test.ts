import { expect, test } from "vitest";
import { draftOf, hoursOf, parts, ruleOf } from "./drafts";

test("a rule is the same after it was shown and saved", () => {
  const rule = { channel: "mail", events: ["run-failed" as const], projects: ["almanac"], branches: ["main", "release/*"],
    environments: [], tell: true, digest: "day" as const };
  expect(ruleOf(draftOf(rule))).toEqual(rule);
});

test("what the server leaves out is what it means", () => {
  expect(ruleOf(draftOf({}))).toEqual({ channel: "", events: [], projects: [], branches: [], environments: [], tell: true, digest: "" });
});

test("what is not told has no digest", () => {
  expect(ruleOf({ ...draftOf({ digest: "week" }), tell: false }).digest).toBe("");
});

test("lists are texts with commas", () => {
  expect(parts(" a, b ,,c,")).toEqual(["a", "b", "c"]);
  expect(parts("")).toEqual([]);
});

test("quiet hours are two times", () => {
  expect(hoursOf("22:00-07:00")).toEqual(["22:00", "07:00"]);
  expect(hoursOf("")).toEqual(["", ""]);
  expect(hoursOf(undefined)).toEqual(["", ""]);
});
