// What the pages call the endpoints' answers. `make docs` writes openapi.json of `www/shapes` on the
// server, `make www` makes schema.d.ts of that: what an answer has is defined in one place.
import type { components } from "./schema";

type Schemas = components["schemas"];

// A part of a list, whatever it lists.
export type Page<T> = Omit<Schemas["Listing_RunRow_"], "items"> & { items: T[] };

export type Artefact = Schemas["Artefact"];
export type Attempt = Schemas["Attempt"];
export type AuditRow = Schemas["AuditEntry"];
export type CellResults = Schemas["CellResults"];
export type Chain = Schemas["Whole"];
export type Commit = Schemas["CommitFacts"];
export type Commits = Schemas["Commits"];
export type Deployment = Schemas["Deployment"];
export type Environment = Schemas["Environment"];
export type FailedStage = Schemas["FailedStage"];
export type Field = Schemas["FormField"];
export type Gate = Schemas["Gate"];
export type GateDetail = Schemas["WholeGate"];
export type Me = Schemas["Me"];
export type NoticeDelivery = Schemas["NoticeDelivery"];
export type NoticeEvent = Schemas["Event"];
export type NoticeSettings = Schemas["NoticeSettings"];
export type Outcome = Schemas["Outcome"];
export type OwnRule = Schemas["OwnRule"];
export type Project = Schemas["Project"];
export type Publication = Schemas["PublicationRecord"];
export type Release = Schemas["Release"];
export type RunDetail = Schemas["WholeRun"];
export type RunRow = Schemas["RunRow"];
export type Stage = Schemas["Chip"];
export type StageDetail = Schemas["StageOfRun"];
export type State = Schemas["ShownState"];
export type TestCase = Schemas["Case"];
export type TestList = Schemas["Cases"];
export type TestMoment = Schemas["Seen"];
export type Tests = Schemas["Tests"];
export type Work = Schemas["Busy"];
export type Worker = Schemas["Worker"];
export type Workers = Schemas["Workers"];
export type FieldType = Field["type"];
// An answer to a parameter.
export type Value = Field["default"];
