// The master's time: pages of a reader whose clock is wrong still show true spans.
import { useSyncExternalStore } from "react";

let offset = 0;
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

// The Date header has whole seconds: only what is clearly wrong is mended.
export function heard(serverTime: number): void {
  const found = serverTime - Date.now();
  offset = Math.abs(found) > 2500 ? found : 0;
}

export function currentSeconds(): number {
  return (Date.now() + offset) / 1000;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    listeners.forEach((one) => one());
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

const still = () => () => undefined;

// The time in seconds, anew each `every` seconds; 0 stands still.
export function useNow(every: number): number {
  const tick = useSyncExternalStore(every ? subscribe : still,
    () => (every ? Math.floor(now / 1000 / every) : 0));
  void tick;
  return currentSeconds();
}
