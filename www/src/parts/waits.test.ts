import { expect, test } from "vitest";
import { nameOf, plain, unseen } from "./waits";

const gate = { id: 7, asked_at: null, ready: true, may: { open: true, approve: false, reject: false } };

test("a gate that waits for the person is told of once", () => {
  expect(unseen([gate], new Set(), "ann")).toEqual([gate]);
  expect(unseen([gate], new Set([nameOf(gate, "ann")]), "ann")).toEqual([]);
});

test("a gate that is asked anew waits anew", () => {
  const asked = { ...gate, asked_at: 1_800_000_000.5 };
  expect(unseen([asked], new Set([nameOf(gate, "ann")]), "ann")).toEqual([asked]);
});

test("what others may open, and what is not ready, is not told of", () => {
  const others = { ...gate, may: { ...gate.may, open: false } };
  expect(unseen([others, { ...gate, ready: false }], new Set(), "ann")).toEqual([]);
});

test("who signs in at the same browser is told, too", () => {
  expect(unseen([gate], new Set([nameOf(gate, "ann")]), "bob")).toEqual([gate]);
});

test("texts of others are one short line that turns nothing around", () => {
  expect(plain("a\u202eb\r\nc\u0000 \ud800d")).toBe("a b c d");
  expect(plain("x".repeat(10_000))).toHaveLength(120);
});
