// Back to an earlier release: its own run asks, by the same dialog as any deployment.
import { type ReactElement, useState } from "react";
import { useNavigate } from "react-router-dom";
import { part } from "../../api/client";
import type { Environment } from "../../api/shapes";
import { Icon } from "../../parts/icon";
import { Modal } from "../../parts/modal";
import { useGateLink } from "../../parts/shell";
import { Ago, Text } from "../../parts/atoms";

export function Rollback({ environment, earlier }: { environment: Environment; earlier: Environment["earlier"] }): ReactElement {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const link = useGateLink();
  const path = `environments/${part(environment.project)}/${part(environment.name)}/rollback`;
  const ask = (run: number) => {
    setOpen(false);
    navigate(link(`${path}?run=${run}`));
  };
  return <>
    <p><button type="button" className="sw-button" onClick={() => setOpen(true)}><Icon name="back" /> Roll back …</button></p>
    {open && (
      <Modal title={<>Roll <bdi>{environment.name}</bdi> back to</>} close={() => setOpen(false)}>
        <p className="sw-dim">The dialog that opens then asks as for any deployment; nothing happens before.</p>
        <ul className="sw-choices">
          {earlier.map((one) => (
            <li key={one.run}>
              <button type="button" className="sw-choice" onClick={() => ask(one.run)}>
                <Text text={one.version} className="sw-version" />
                <span className="sw-meta">run {one.run}, ran there <Ago at={one.deployed_at} />{one.person && <> by <bdi>{one.person}</bdi></>}</span>
                <Icon name="right" />
              </button>
            </li>
          ))}
        </ul>
      </Modal>
    )}
  </>;
}
