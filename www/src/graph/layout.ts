// Where each stage of a run is drawn: columns by level, rows so that few lines cross.
export interface Node { name: string; level: number; needs: string[]; height: number }
export interface Box { name: string; x: number; y: number; width: number; height: number }
export interface Line { from: string; to: string; path: string }
export interface Drawing { boxes: Box[]; lines: Line[]; width: number; height: number }

export interface Sizes { width: number; gapX: number; gapY: number; lane: number }

export const SIZES: Sizes = { width: 208, gapX: 56, gapY: 18, lane: 14 };

// A line that passes a column has a slot of its own there, so that it runs beside boxes.
interface Slot { id: string; box: Node | null; before: string[]; after: string[]; y: number; height: number }

const SWEEPS = 6;

export function layout(nodes: readonly Node[], sizes: Sizes = SIZES): Drawing {
  const columns = makeColumns(nodes, sizes);
  const slots = new Map(columns.flat().map((slot) => [slot.id, slot]));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? columns : [...columns].reverse()) {
      sortColumn(column, forward ? "before" : "after", columns, slots);
    }
  }
  const height = place(columns, sizes);
  const boxes = columns.flatMap((column, index) => column.filter((slot) => slot.box).map((slot) => ({
    name: slot.id, x: index * (sizes.width + sizes.gapX), y: slot.y, width: sizes.width, height: slot.height,
  })));
  return { boxes, lines: drawLines(nodes, slots, sizes),
    width: Math.max(0, columns.length * (sizes.width + sizes.gapX) - sizes.gapX), height };
}

function via(from: string, to: string, level: number): string {
  return `${from}\n${to}\n${level}`;
}

function makeColumns(nodes: readonly Node[], sizes: Sizes): Slot[][] {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const columns: Slot[][] = Array.from({ length: Math.max(-1, ...nodes.map((n) => n.level)) + 1 }, () => []);
  const slots = new Map<string, Slot>();
  const add = (level: number, slot: Slot) => {
    columns[level]?.push(slot);
    slots.set(slot.id, slot);
  };
  for (const node of nodes) {
    add(node.level, { id: node.name, box: node, before: [], after: [], y: 0, height: node.height });
  }
  for (const node of nodes) {
    for (const need of node.needs) {
      const from = known.get(need);
      if (!from || from.level >= node.level) continue;
      let last = need;
      for (let level = from.level + 1; level < node.level; level += 1) {
        const id = via(need, node.name, level);
        add(level, { id, box: null, before: [], after: [], y: 0, height: sizes.lane });
        join(slots, last, id);
        last = id;
      }
      join(slots, last, node.name);
    }
  }
  return columns;
}

function join(slots: Map<string, Slot>, from: string, to: string): void {
  slots.get(from)?.after.push(to);
  slots.get(to)?.before.push(from);
}

function sortColumn(column: Slot[], side: "before" | "after", columns: Slot[][],
  slots: Map<string, Slot>): void {
  const rank = new Map<string, number>();
  for (const one of columns) one.forEach((slot, index) => rank.set(slot.id, (index + 0.5) / one.length));
  const weight = new Map(column.map((slot, index) => {
    const found = slot[side].map((id) => rank.get(slots.get(id)?.id ?? "") ?? 0);
    const mean = found.reduce((sum, one) => sum + one, 0) / found.length;
    return [slot.id, found.length ? mean : (index + 0.5) / column.length];
  }));
  column.sort((a, b) => (weight.get(a.id) ?? 0) - (weight.get(b.id) ?? 0));
}

// Columns are centred on the tallest one.
function place(columns: Slot[][], sizes: Sizes): number {
  const heights = columns.map((column) =>
    column.reduce((sum, slot) => sum + slot.height + sizes.gapY, -sizes.gapY));
  const height = Math.max(0, ...heights);
  columns.forEach((column, index) => {
    let y = (height - (heights[index] ?? 0)) / 2;
    for (const slot of column) {
      slot.y = y;
      y += slot.height + sizes.gapY;
    }
  });
  return height;
}

function drawLines(nodes: readonly Node[], slots: Map<string, Slot>, sizes: Sizes): Line[] {
  const known = new Map(nodes.map((node) => [node.name, node]));
  const step = sizes.width + sizes.gapX;
  return nodes.flatMap((node) => node.needs.flatMap((need) => {
    const from = known.get(need);
    if (!from || from.level >= node.level) return [];
    let x = from.level * step + sizes.width;
    let y = middle(slots.get(need));
    let path = `M${x} ${y}`;
    for (let level = from.level + 1; level <= node.level; level += 1) {
      const slot = slots.get(level === node.level ? node.name : via(need, node.name, level));
      const toX = level * step;
      const toY = middle(slot);
      const bend = (x + toX) / 2;
      path += toY === y ? `H${toX}` : `C${bend} ${y} ${bend} ${toY} ${toX} ${toY}`;
      if (level < node.level) path += `H${toX + sizes.width}`;
      x = toX + sizes.width;
      y = toY;
    }
    return [{ from: need, to: node.name, path }];
  }));
}

function middle(slot: Slot | undefined): number {
  return slot ? Math.round((slot.y + slot.height / 2) * 10) / 10 : 0;
}
