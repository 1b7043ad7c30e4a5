import type { ReactElement } from "react";
import { local } from "../../api/client";
import type { Artefact } from "../../api/shapes";
import { size } from "../../format/words";
import { Icon } from "../../parts/icon";
import { Copy, Hash, Text } from "../../parts/atoms";

export function ArtefactTable({ artefacts }: { artefacts: Artefact[] }): ReactElement {
  return (
    <div className="sw-scroll" tabIndex={0} role="group" aria-label="Artefacts">
      <table className="sw-table">
        <thead><tr><th scope="col">Name</th><th scope="col" className="sw-right">Size</th><th scope="col">SHA-256</th><th scope="col">Stage</th></tr></thead>
        <tbody>
          {artefacts.map((one) => (
            <tr key={`${one.stage} ${one.cell} ${one.name}`}>
              <td><a href={local(one.url)} download={one.name}><Icon name="download" /> <Text text={one.name} /></a></td>
              <td className="sw-right sw-num">{size(one.size)}</td>
              <td><Hash hash={one.sha256} /> <Copy text={one.sha256} what={`the hash of ${one.name}`} /></td>
              <td><Text text={one.cell ? `${one.stage} ${one.cell}` : one.stage} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Pictures({ artefacts }: { artefacts: Artefact[] }): ReactElement {
  return (
    <div className="sw-pictures">
      {artefacts.map((one) => (
        <figure key={`${one.cell} ${one.name}`}>
          <a href={local(one.url)} target="_blank" rel="noreferrer"><img src={local(one.url)} alt={one.name} loading="lazy" /></a>
          <figcaption><Text text={one.name.replace(/^.*\//, "")} /></figcaption>
        </figure>
      ))}
    </div>
  );
}
