// The frame of every page: heading, the line to the master, the dialog of a gate.
import { type ReactElement, type ReactNode, useEffect } from "react";
import { Link, useLocation, useSearchParams } from "react-router-dom";
import { type TopbarItem, useTopbarItems } from "buildbot-ui";
import { start, useLine } from "../api/push";
import { useMe } from "../api/current-user";
import { GateDialog } from "../pages/gate/dialog";
import { Boundary } from "./boundary";
import { Icon } from "./icon";
import { useWaits } from "./waits";

interface Props { title: string; trail: TopbarItem[]; actions?: ReactNode; children: ReactNode }

export function Shell({ title, trail, actions, children }: Props): ReactElement {
  useTopbarItems(trail);
  const { pathname } = useLocation();
  const [params, setParams] = useSearchParams();
  const place = gatePlace(params.get("gate") ?? "");
  useEffect(start, []);
  useWaits();
  useEffect(() => {
    const before = document.title;
    document.title = title;
    return () => { document.title = before; };
  }, [title]);
  const close = () => setParams((old) => {
    old.delete("gate");
    return old;
  }, { replace: true });
  const made = (id: number) => setParams((old) => {
    old.set("gate", String(id));
    return old;
  }, { replace: true });
  return (
    <div className="sw-root">
      <main className="sw-main">
        <Line />
        <header className="sw-head">
          <h1><bdi>{title}</bdi></h1>
          <div className="sw-actions">{actions}</div>
        </header>
        <Boundary key={pathname} what={title}>{children}</Boundary>
        {place && <Boundary key={place} what="The dialog"><GateDialog place={place} close={close} made={made} /></Boundary>}
      </main>
    </div>
  );
}

function Line(): ReactElement {
  const line = useLine();
  return (
    <div role="status" data-line={line}>
      {line === "lost" && (
        <div className="sw-banner">
          <Icon name="running" className="sw-spin" /> The master does not answer. What you see may be old;
          trying again by itself.
        </div>
      )}
    </div>
  );
}

// What of a gate's dialog stands in the page's address: its number, or where one is that is made by
// the asking. Anybody can have written the address: no other endpoint is read.
const UNMADE = /^(runs\/[\w.%-]+\/\d+\/stages\/[\w.%-]+\/gate|environments\/[\w.%-]+\/[\w.%-]+\/rollback\?run=\d+)$/;

function gatePlace(written: string): string | null {
  if (/^[1-9]\d*$/.test(written)) return `gates/${written}`;
  return UNMADE.test(written) && !/(^|\/)\.+\//.test(written) ? written : null;
}

// Links that open a gate's dialog keep the page below as it is.
export function useGateLink(): (gate: number | string) => string {
  const { pathname, search } = useLocation();
  return (gate) => {
    const params = new URLSearchParams(search);
    params.set("gate", String(gate));
    return `${pathname}?${params.toString()}`;
  };
}

export function GateLink({ id, className = "", children }:
  { id: number | string; className?: string; children: ReactNode }): ReactElement {
  const link = useGateLink();
  return <Link to={link(id)} className={`sw-button sw-gate-button ${className}`}>{children}</Link>;
}

export function Who(): ReactElement | null {
  const me = useMe();
  return me && !me.anonymous ? <span className="sw-who"><Icon name="person" />{me.called || me.name}</span> : null;
}
