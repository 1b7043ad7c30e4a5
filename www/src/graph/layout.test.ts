import { describe, expect, it } from "vitest";
import { layout, type Node } from "./layout";

function node(name: string, level: number, ...needs: string[]): Node {
  return { name, level, needs, height: 60 };
}

const diamond = [node("tests", 0), node("freeze", 0), node("archive", 1, "tests", "freeze"),
  node("publish", 2, "archive"), node("staging", 3, "publish", "tests")];

function overlap(nodes: Node[]): string[] {
  const { boxes } = layout(nodes);
  return boxes.flatMap((a, i) => boxes.slice(i + 1)
    .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
    .map((b) => `${a.name} on ${b.name}`));
}

describe("layout", () => {
  it("draws every stage once and every need as a line", () => {
    const drawn = layout(diamond);
    expect(drawn.boxes.map((box) => box.name).sort()).toEqual(["archive", "freeze", "publish", "staging", "tests"]);
    expect(drawn.lines.map((line) => `${line.from}>${line.to}`).sort()).toEqual(
      ["archive>publish", "freeze>archive", "publish>staging", "tests>archive", "tests>staging"]);
  });
  it("puts what waits to the right of what it waits for", () => {
    const x = Object.fromEntries(layout(diamond).boxes.map((box) => [box.name, box.x]));
    expect(x["archive"]).toBeGreaterThan(x["tests"] ?? 0);
    expect(x["freeze"]).toBe(x["tests"]);
  });
  it("never lays a box on another, nor outside", () => {
    const many = [...Array(100).keys()].map((i) => node(`s${i}`, i % 7,
      ...(i % 7 ? [`s${i - 1}`, `s${(i * 3) % 7}`] : [])));
    expect(overlap(many)).toEqual([]);
    const drawn = layout(many);
    expect(Math.max(...drawn.boxes.map((box) => box.y + box.height))).toBeLessThanOrEqual(drawn.height + 0.001);
    expect(Math.min(...drawn.boxes.map((box) => box.y))).toBeGreaterThanOrEqual(0);
  });
  it("keeps a long line off the boxes it passes", () => {
    const drawn = layout(diamond);
    const passed = drawn.boxes.filter((box) => ["archive", "publish"].includes(box.name));
    const line = drawn.lines.find((one) => one.from === "tests" && one.to === "staging");
    const flat = [...(line?.path ?? "").matchAll(/([\d.]+) ([\d.]+)H/g)].map((found) => Number(found[2]));
    expect(flat.length).toBeGreaterThanOrEqual(1);
    for (const box of passed) for (const y of flat) {
      expect(y < box.y || y > box.y + box.height).toBe(true);
    }
  });
  it("untangles two pairs that were named crosswise", () => {
    const y = Object.fromEntries(layout([node("a", 0), node("b", 0), node("c", 1, "b"), node("d", 1, "a")])
      .boxes.map((box) => [box.name, box.y]));
    expect((y["a"] ?? 0) < (y["b"] ?? 0)).toBe((y["d"] ?? 0) < (y["c"] ?? 0));
  });
  it("draws nothing of nothing, and leaves out needs it does not know", () => {
    expect(layout([])).toEqual({ boxes: [], lines: [], width: 0, height: 0 });
    expect(layout([node("a", 0, "gone")]).lines).toEqual([]);
  });
  it("lays out 200 stages at once", () => {
    const wide = [...Array(200).keys()].map((i) => node(`s${i}`, i < 100 ? 0 : 1,
      ...(i < 100 ? [] : [`s${i - 100}`])));
    const begun = performance.now();
    layout(wide);
    expect(performance.now() - begun).toBeLessThan(200);
  });
});
