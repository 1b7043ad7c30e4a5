// What each target has of a release: its state, where people find it, or why it is not there.
import type { ReactElement } from "react";
import type { Publication } from "../api/shapes";
import { count } from "../format/words";
import { Ago, Text } from "./atoms";
import { StateLabel } from "./status";

export function Publications({ publications }: { publications: Publication[] }): ReactElement | null {
  if (!publications.length) return null;
  return (
    <ul className="sw-publications" aria-label="Targets">
      {publications.map((one) => (
        <li key={one.target}>
          <StateLabel state={one.state} word={one.state === "running" ? "on its way" : one.state} />
          <span className="sw-publication-target"><bdi>{one.target}</bdi>{one.kind !== one.target && <> <bdi className="sw-dim">{one.kind}</bdi></>}</span>
          <span className="sw-publication-more">
            {one.place && <Place place={one.place} />}
            {one.error && <bdi className="sw-publication-error">{one.error}</bdi>}
            <span className="sw-dim">{one.state === "removed" ? "as its keep says" : files(one)} {one.finished_at !== null && <Ago at={one.finished_at} />}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

// A target's word for where it is: only an address of the web becomes a link.
function Place({ place }: { place: string }): ReactElement {
  return /^https?:\/\//i.test(place) ? <a href={place} rel="noreferrer noopener"><Text text={place} /></a> : <Text text={place} />;
}

function files(one: Publication): string {
  if (one.public === one.files) return count(one.files, "file");
  const aside = one.aside ? `, ${one.aside} there and not shown yet` : "";
  return `${one.public} of ${count(one.files, "file")} public${aside}`;
}
