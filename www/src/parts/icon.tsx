// Pictures are drawn here: nothing is fetched from a network.
import type { ReactElement } from "react";

const PATHS: Record<string, string> = {
  passed: "M3.5 8.5l3 3 6-7",
  failed: "M4 4l8 8M12 4l-8 8",
  running: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  queued: "M8 4.5V8l2.5 1.5M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
  waiting: "M4 8h.01M8 8h.01M12 8h.01",
  gate: "M5.5 7V5a2.5 2.5 0 0 1 5 0v2M4 7h8v6H4zM8 9.5v1.5",
  cancelled: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM4.2 4.2l7.6 7.6",
  "not-run": "M5 8h6",
  skipped: "M3.5 4.5L8 8l-4.5 3.5zM8.5 4.5L13 8l-4.5 3.5z",
  unchanged: "M3.500 6h9M3.500 10h9",
  rejected: "M5.5 5.5l5 5M10.5 5.5l-5 5M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z",
  expired: "M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 3 5 4 5 5.500s-5 2.500-5 5.500M10.500 2.500c0 3-5 4-5 5.500s5 2.500 5 5.500",
  flaky: "M2.5 10c1.500-5 3-5 4 -1.500s2.500 3.500 4-1.500c.6-2 1.600-2.500 3-1",
  pipelines: "M2 4h4v4H2zM10 2h4v4h-4zM10 10h4v4h-4zM6 6h2V4h2M8 6v6h2",
  environments: "M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
  releases: "M8 2l5.500 3v6L8 14l-5.500-3V5zM2.500 5L8 8l5.500-3M8 8v6",
  tests: "M6 2h4M7 2v4l-4 7.500h10L9 6V2M5 10h6",
  workers: "M2 3h12v4H2zM2 9h12v4H2zM4.500 5h.01M4.500 11h.01",
  notices: "M4 11V7a4 4 0 0 1 8 0v4l1.500 1.500h-11zM6.500 14h3",
  audit: "M4 2h8v12H4zM6 5h4M6 8h4M6 11h2",
  commit: "M8 5.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5zM1.500 8h4M10.500 8h4",
  branch: "M5 3v10M5 9c4 0 6-1 6-4M11 3.500h.01M5 3h.01M5 13h.01",
  play: "M5 3l8 5-8 5z",
  again: "M13 8a5 5 0 1 1-1.500-3.500M13 2v3h-3",
  back: "M6 4L2.500 7.500 6 11M2.500 7.500H10a3.500 3.500 0 0 1 0 7H8",
  download: "M8 2v8M4.500 7L8 10.500 11.500 7M3 13.500h10",
  open: "M9 2.500h4.500V7M13.500 2.500L7.500 8.500M11 9v4.500H2.500V5H7",
  warning: "M8 2l6.500 11.500h-13zM8 6.500v3.500M8 12h.01",
  close: "M4 4l8 8M12 4l-8 8",
  person: "M8 8a2.700 2.700 0 1 0 0-5.400A2.700 2.700 0 0 0 8 8zM2.800 14c.5-3 2.500-4 5.200-4s4.700 1 5.200 4",
  snow: "M8 2v12M3 5l10 6M13 5L3 11",
  left: "M10 3L5 8l5 5",
  right: "M6 3l5 5-5 5",
};

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = "" }: { name: string; className?: string }): ReactElement {
  return (
    <svg className={`sw-icon ${className}`} viewBox="0 0 16 16" width="16" height="16" fill="none"
      stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round"
      aria-hidden="true" focusable="false">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}
