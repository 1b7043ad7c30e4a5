import type { ReactElement } from "react";
import type { NoticeSettings } from "../../api/shapes";
import { Empty, Text } from "../../parts/atoms";
import { Icon } from "../../parts/icon";

export function Channels({ settings, all }: { settings: NoticeSettings; all: boolean }): ReactElement {
  const { channels } = settings;
  const toPersons = channels.some((one) => one.to_persons);
  return (
    <section className="sw-card" aria-label="Channels">
      <h2>Channels</h2>
      {channels.length === 0 && <Empty title="This site tells nobody yet.">Name a channel in pipeline.toml as [notify.NAME], such as mail or IRC.</Empty>}
      {toPersons && !settings.has_address && <div className="sw-alert sw-flaky" role="note"><Icon name="warning" />
        <span>There is no <code className="sw-code">email</code> in <code className="sw-code">[people.<bdi>{settings.person}</bdi>]</code> of pipeline.toml, so mail cannot reach you.</span></div>}
      {channels.length > 0 && (
        <div className="sw-scroll" tabIndex={0} role="group" aria-label="The channels"><table className="sw-table">
          <thead><tr><th scope="col">Channel</th><th scope="col">Kind</th><th scope="col">Tells</th><th scope="col">Waiting</th>{all && <th scope="col">Dead letters</th>}</tr></thead>
          <tbody>{channels.map((one) => (
            <tr key={one.name}>
              <td><Text text={one.name} className="sw-strong" /></td><td><Text text={one.kind} /></td>
              <td>{one.to_persons ? "each person" : "the channel itself"}</td><td className="sw-num">{one.waiting}</td>
              {all && <td className="sw-num">{one.dead}</td>}
            </tr>))}</tbody>
        </table></div>
      )}
    </section>
  );
}
