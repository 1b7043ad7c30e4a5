// What runs where, since when, by whom; and the way back.
import { type ReactElement } from "react";
import { useSearchParams } from "react-router-dom";
import type { Environment, Page, Project } from "../../api/shapes";
import { useFound } from "../../api/store";
import { Loaded } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { Empty } from "../../parts/atoms";
import { Card } from "./card";
import { Freezes } from "./freeze";

export function EnvironmentsPage(): ReactElement {
  const [params] = useSearchParams();
  const project = params.get("project");
  const found = useFound<Page<Environment>>("environments");
  const projects = useFound<Page<Project>>("projects").data?.items ?? [];
  return (
    <Shell title="Environments" trail={[{ caption: "Environments", route: "/environments" }]} actions={<Freezes projects={projects} />}>
      <Loaded found={found} what="Looking at the environments">
        {(page) => {
          const shown = page.items.filter((one) => !project || one.project === project);
          if (shown.length === 0) {
            return <Empty title="There is no environment.">
              Name one in pipeline.toml as [project.NAME.environments.staging], and a stage that brings releases there with uses = "deploy".
            </Empty>;
          }
          return <div className="sw-grid">{shown.map((one) => <Card key={`${one.project}\n${one.name}`} environment={one} several={projects.length > 1} />)}</div>;
        }}
      </Loaded>
    </Shell>
  );
}
