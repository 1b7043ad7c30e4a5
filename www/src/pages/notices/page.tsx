// Who is told of what: one's own rules, notices of this browser, and what is on its way.
import { type ReactElement, useState } from "react";
import { useMe } from "../../api/current-user";
import type { NoticeSettings } from "../../api/shapes";
import { useFound } from "../../api/store";
import { Empty, Spinner } from "../../parts/atoms";
import { Loaded, SignIn } from "../../parts/problem";
import { Shell } from "../../parts/shell";
import { BrowserSwitch } from "./browser";
import { Channels } from "./channels";
import { Outbox } from "./outbox";
import { RulesForm } from "./rules";

const TRAIL = [{ caption: "Notices", route: "/notices" }];

export function NoticesPage(): ReactElement {
  const me = useMe();
  if (!me) return <Shell title="Notices" trail={TRAIL}><Spinner what="Looking who you are …" /></Shell>;
  if (!me.may["notice.own"]) {
    return <Shell title="Notices" trail={TRAIL}><Empty title="Sign in to see which notices you get.">{me.anonymous ? <SignIn /> : "An admin gives you a role."}</Empty></Shell>;
  }
  return <Shell title="Notices" trail={TRAIL}><Own all={me.may["notice.any"] ?? false} /></Shell>;
}

function Own({ all }: { all: boolean }): ReactElement {
  const found = useFound<NoticeSettings>("notices/rules");
  const [saved, setSaved] = useState("");
  return <>
    <Loaded found={found} what="Looking at your rules" missing="You have no rules here.">
      {(settings) => <>
        <Channels settings={settings} all={all} />
        {/* What was saved, here or elsewhere, begins the form anew; looking alone loses nothing that is typed. */}
        <RulesForm key={JSON.stringify(settings.rules)} settings={settings} saved={saved === JSON.stringify(settings.rules)}
          keep={(rules) => setSaved(JSON.stringify(rules))} />
      </>}
    </Loaded>
    <BrowserSwitch />
    <Outbox all={all} />
  </>;
}
