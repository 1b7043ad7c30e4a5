// A rule while it is typed: lists are texts with commas.
import type { NoticeEvent, OwnRule } from "../../api/shapes";

export interface Draft {
  key: number;
  channel: string;
  events: NoticeEvent[];
  projects: string;
  branches: string;
  environments: string;
  tell: boolean;
  digest: "" | "day" | "week";
}

let made = 0;

export function draftOf(rule: OwnRule): Draft {
  made += 1;
  return {
    key: made,
    channel: rule.channel ?? "",
    events: rule.events ?? [],
    projects: (rule.projects ?? []).join(", "),
    branches: (rule.branches ?? []).join(", "),
    environments: (rule.environments ?? []).join(", "),
    tell: rule.tell ?? true,
    digest: rule.digest ?? "",
  };
}

export function ruleOf(draft: Draft): OwnRule {
  return {
    channel: draft.channel,
    events: draft.events,
    projects: parts(draft.projects),
    branches: parts(draft.branches),
    environments: parts(draft.environments),
    tell: draft.tell,
    // What is not told is gathered by nobody.
    digest: draft.tell ? draft.digest : "",
  };
}

export function parts(text: string): string[] {
  return text.split(",").map((one) => one.trim()).filter((one) => one !== "");
}

export function hoursOf(quiet: string | undefined): [string, string] {
  const found = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(quiet ?? "");
  return [found?.[1] ?? "", found?.[2] ?? ""];
}
