// Changes as the master pushes them, by Buildbot's websocket; without it, a query every few seconds.
import { useSyncExternalStore } from "react";
import { base } from "./client";
import { isRecord } from "./problem";
import { refresh, trustWhile } from "./store";

export type Line = "connecting" | "live" | "lost";

const PAUSES = [500, 1000, 2000, 4000, 8000];
const POLL = 5000;
const SILENCE = 20_000;

let line: Line = "connecting";
let started = false;
let failures = 0;
let heardAt = 0;
const listeners = new Set<() => void>();

function turn(next: Line): void {
  if (line === next) return;
  line = next;
  listeners.forEach((one) => one());
}

// Which paths a message is about; the others stay as they are.
export function concerns(path: string, project: string, runs: readonly number[]): boolean {
  const of = /^runs\/([^/?]+)\/([^/?]+)/.exec(path);
  if (!of) return !/^(me|openapi|tokens)/.test(path);
  if (decodeURIComponent(of[1] ?? "") !== project) return false;
  return runs.length === 0 || of[2] === "latest" || runs.includes(Number(of[2]));
}

function receive(text: string): void {
  const message: unknown = JSON.parse(text);
  if (!isRecord(message) || typeof message["k"] !== "string" || !isRecord(message["m"])) return;
  const { project, runs } = message["m"];
  if (!message["k"].startsWith("slipway/") || typeof project !== "string") return;
  const numbers = Array.isArray(runs) ? runs.filter((one) => typeof one === "number") : [];
  refresh((path) => concerns(path, project, numbers));
}

function connect(): void {
  const socket = new WebSocket(`${base().replace(/^http/, "ws")}ws`);
  const asking = setInterval(() => {
    if (Date.now() - heardAt > SILENCE) socket.close();
    else if (socket.readyState === WebSocket.OPEN) socket.send('{"cmd":"ping","_id":2}');
  }, SILENCE / 3);
  heardAt = Date.now();
  socket.onopen = () => {
    socket.send(JSON.stringify({ cmd: "startConsuming", path: "slipway/*/*", _id: 1 }));
  };
  socket.onmessage = (event) => {
    heardAt = Date.now();
    if (line !== "live") {
      // Query what changed while the connection was lost.
      const missed = failures > 0;
      failures = 0;
      turn("live");
      if (missed) refresh();
    }
    receive(String(event.data));
  };
  socket.onclose = () => {
    clearInterval(asking);
    failures += 1;
    turn("lost");
    setTimeout(connect, PAUSES[Math.min(failures, PAUSES.length) - 1] ?? POLL);
  };
}

export function start(): void {
  if (started) return;
  started = true;
  trustWhile(() => line === "live");
  connect();
  setInterval(() => { if (line !== "live" && !document.hidden) refresh(); }, POLL);
  // A person who signed in elsewhere comes back with other rights.
  window.addEventListener("focus", () => refresh((path) => path === "me" || path.startsWith("gates")));
}

export function useLine(): Line {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => { listeners.delete(listener); };
  }, () => line);
}
