import { describe, expect, it } from "vitest";
import { absolute, ago, day, span } from "./time";
import { author, count, size, stateWord, valueText } from "./words";

describe("span", () => {
  it.each([
    [0, "0.0 s"], [0.44, "0.4 s"], [9.96, "10 s"], [59.4, "59 s"], [59.6, "1 min"],
    [185, "3 min 5 s"], [3599.7, "1 h"], [7800, "2 h 10 min"], [86_399, "1 d"],
    [100 * 3600, "4 d 4 h"], [-3, "0.0 s"],
  ])("%d seconds are %s", (seconds, expected) => expect(span(seconds)).toBe(expected));
});

describe("ago", () => {
  const now = 1_800_000_000;
  it.each([
    [now, "just now"], [now + 2, "just now"], [now - 45, "45 s ago"], [now - 300, "5 min ago"],
    [now - 26 * 3600, "26 h ago"], [now - 5 * 86_400, "5 days ago"], [now + 3600, "in 1 h"],
    [now - 90 * 86_400, day(now - 90 * 86_400)],
  ])("%d is %s", (at, expected) => expect(ago(at, now)).toBe(expected));

  it("shows the zone with the absolute time", () => {
    expect(absolute(now)).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC[+-]\d\d:\d\d$/);
  });
});

describe("words", () => {
  it.each([[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [999_600, "1.0 MB"], [52_000_000, "52 MB"]])(
    "%d bytes are %s", (bytes, expected) => expect(size(bytes)).toBe(expected));
  it("names an author without the address", () => {
    expect(author("Ann <ann@example.org>")).toBe("Ann");
    expect(author("<ann@example.org>")).toBe("<ann@example.org>");
  });
  it("counts", () => {
    expect(count(1, "test")).toBe("1 test");
    expect(count(10_000, "test")).toBe("10,000 tests");
  });
  it("keeps flaky apart from passed", () => {
    expect(stateWord({ state: "passed", flaky: true })).toBe("passed, flaky");
    expect(stateWord({ state: "failed", flaky: true })).toBe("failed");
  });
  it("shows every kind of value", () => {
    expect([null, [], ["a", "b"], true, 0, ""].map(valueText)).toEqual(
      ["(none)", "(none)", "a, b", "yes", "0", "(empty)"]);
  });
});
