// Buildbot's own force page of a builder: of a stage it leads to the run, whose gate asks properly.
import { type ReactElement, useEffect, useState } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { base, get, part } from "../../api/client";
import { isRecord } from "../../api/problem";
import type { Gate, Page } from "../../api/shapes";
import { Shell } from "../../parts/shell";
import { Empty, runPath, Spinner } from "../../parts/atoms";

async function builderName(id: string): Promise<string> {
  const response = await fetch(`${base()}api/v2/builders/${part(id)}`);
  const body: unknown = await response.json();
  const builders = isRecord(body) ? body["builders"] : null;
  const first: unknown = Array.isArray(builders) ? builders[0] : null;
  return isRecord(first) ? String(first["name"]) : "";
}

async function target(id: string): Promise<string> {
  const name = await builderName(id);
  const dot = name.indexOf(".");
  if (dot < 0) return name ? `/pipelines?project=${part(name)}` : "/pipelines";
  const project = name.slice(0, dot);
  // The builder of a cell has the cell in brackets.
  const stage = name.slice(dot + 1).replace(/\[.*$/, "");
  const gates = (await get(`gates?project=${part(project)}&limit=100`)).body as Page<Gate>;
  const gate = gates.items.find((one) => one.stage === stage);
  if (gate) return `${runPath(project, gate.run, stage)}&gate=${gate.id}`;
  const run = (await get(`runs/${part(project)}/latest`)).body as { number: number };
  return runPath(project, run.number, stage);
}

export function ForcePage(): ReactElement {
  const { builderid = "" } = useParams();
  const navigate = useNavigate();
  const [lost, setLost] = useState("");
  useEffect(() => {
    let here = true;
    target(builderid).then((to) => here && navigate(to, { replace: true }),
      (error: unknown) => here && setLost(error instanceof Error ? error.message : String(error)));
    return () => { here = false; };
  }, [builderid, navigate]);
  return (
    <Shell title="Start a stage" trail={[{ caption: "Pipelines", route: "/pipelines" }]}>
      {lost ? <Empty title="This stage's run cannot be found.">{lost}</Empty> : <Spinner what="Looking for the stage's run …" />}
    </Shell>
  );
}
