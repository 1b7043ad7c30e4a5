import { expect, test } from "vitest";
import { nameOf, unseen } from "./waits";

const gate = { id: 7, asked_at: null, ready: true, may: { open: true, approve: false, reject: false } };

test("a gate that waits for the person is told of once", () => {
  expect(unseen([gate], new Set())).toEqual([gate]);
  expect(unseen([gate], new Set([nameOf(gate)]))).toEqual([]);
});

test("a gate that is asked anew waits anew", () => {
  const asked = { ...gate, asked_at: 1_800_000_000.5 };
  expect(unseen([asked], new Set([nameOf(gate)]))).toEqual([asked]);
});

test("what others may open, and what is not ready, is not told of", () => {
  const others = { ...gate, may: { ...gate.may, open: false } };
  expect(unseen([others, { ...gate, ready: false }], new Set())).toEqual([]);
});
