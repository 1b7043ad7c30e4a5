// Texts of others: isolated, cut where they are too long, and never read as HTML.
import { type ReactElement, useEffect, useRef, useState } from "react";
import { Link } from "react-router-dom";
import { part } from "../api/client";
import { useNow } from "../api/clock";
import { absolute, ago, span } from "../format/time";
import { short } from "../format/words";
import { Icon } from "./icon";

export function Text({ text, className = "" }: { text: string; className?: string }): ReactElement {
  return <bdi className={`sw-cut ${className}`} title={text}>{text}</bdi>;
}

export function Ago({ at, before = "" }: { at: number | null; before?: string }): ReactElement | null {
  const now = useNow(at === null ? 0 : 10);
  if (at === null) return null;
  return (
    <time className="sw-time" dateTime={new Date(at * 1000).toISOString()} title={absolute(at)}>
      {before}{ago(at, now)}
    </time>
  );
}

// A span that is over, or one that grows while one looks.
export function Took({ seconds, since }: { seconds: number | null; since: number | null }): ReactElement | null {
  const now = useNow(seconds === null && since !== null ? 1 : 0);
  if (seconds !== null) return <span className="sw-num">{span(seconds)}</span>;
  return since === null ? null : <span className="sw-num">{span(Math.round(now - since))}</span>;
}

export function Revision({ revision }: { revision: string }): ReactElement {
  return <code className="sw-code" title={revision}>{short(revision)}</code>;
}

export function Branch({ branch }: { branch: string }): ReactElement {
  return <span className="sw-branch"><Icon name="branch" /><Text text={branch} /></span>;
}

export function runPath(project: string, number: number, stage = ""): string {
  return `/pipelines/${part(project)}/${number}${stage && `?stage=${part(stage)}`}`;
}

export function RunLink({ project, run, stage = "", children }:
  { project: string; run: number; stage?: string; children?: React.ReactNode }): ReactElement {
  return <Link to={runPath(project, run, stage)}>{children ?? `run ${run}`}</Link>;
}

export function Copy({ text, what }: { text: string; what: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      timer.current = setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <button type="button" className="sw-button sw-quiet sw-small" onClick={copy} aria-label={`Copy ${what}`}>
      {copied ? "Copied" : "Copy"}
    </button>
  );
}

export function Hash({ hash }: { hash: string }): ReactElement {
  return <code className="sw-code sw-hash" title={`SHA-256 ${hash}`}>{hash.slice(0, 16)}</code>;
}

export function Spinner({ what }: { what: string }): ReactElement {
  return <p className="sw-loading" role="status"><Icon name="running" className="sw-spin" /> {what}</p>;
}

export function Empty({ title, children }: { title: string; children?: React.ReactNode }): ReactElement {
  return <div className="sw-empty"><strong>{title}</strong>{children && <p>{children}</p>}</div>;
}
