// Slipway's pages, handed to Buildbot's web UI.
import { buildbotSetupPlugin } from "buildbot-plugin-support";
import type { ReactElement } from "react";
import { Boundary } from "./parts/boundary";
import { Icon } from "./parts/icon";
import { AuditPage } from "./pages/audit/page";
import { EnvironmentsPage } from "./pages/environments/page";
import { ForcePage } from "./pages/gate/force";
import { NoticesPage } from "./pages/notices/page";
import { PipelinesPage } from "./pages/pipelines/page";
import { ReleasesPage } from "./pages/releases/page";
import { RunPage } from "./pages/run/page";
import { TestsPage } from "./pages/tests/page";
import { WorkersPage } from "./pages/workers/page";
import "./styles/palette.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/dialog.css";

interface View { name: string; caption: string; order: number; page: () => ReactElement }

const VIEWS: View[] = [
  { name: "pipelines", caption: "Pipelines", order: -60, page: PipelinesPage },
  { name: "environments", caption: "Environments", order: -50, page: EnvironmentsPage },
  { name: "releases", caption: "Releases", order: -40, page: ReleasesPage },
  { name: "tests", caption: "Tests", order: -30, page: TestsPage },
  { name: "workers", caption: "Lanes and workers", order: -20, page: WorkersPage },
  { name: "notices", caption: "Notices", order: -15, page: NoticesPage },
  { name: "audit", caption: "Audit", order: -10, page: AuditPage },
];

function guarded(what: string, Page: () => ReactElement): () => ReactElement {
  return () => <Boundary what={what}><Page /></Boundary>;
}

buildbotSetupPlugin((registrations) => {
  for (const { name, caption, order, page } of VIEWS) {
    // "workers" is a page of Buildbot's own.
    const route = name === "workers" ? "/lanes" : `/${name}`;
    const group = `slipway-${name}`;
    registrations.registerMenuGroup({ name: group, caption, icon: <Icon name={name} />, order, route, parentName: null });
    registrations.registerRoute({ route, group, element: guarded(caption, page) });
  }
  registrations.registerRoute({ route: "/pipelines/:project/:number", group: "slipway-pipelines",
    element: guarded("The run", RunPage) });
  registrations.registerRoute({ route: "builders/:builderid/force/:scheduler", group: null,
    element: guarded("The page", ForcePage) });
});

// The site opens with its pipelines; Buildbot's own home stays where its menu says.
if (["", "#", "#/"].includes(window.location.hash)) window.location.replace("#/pipelines");
