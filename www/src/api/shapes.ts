// The answers of the endpoints; `www/shapes` on the server is their source.
export type Seconds = number;

export type State =
  | "waiting" | "queued" | "running" | "gate" | "passed" | "failed"
  | "cancelled" | "skipped" | "rejected" | "expired" | "not-run";

export interface Page<T> { items: T[]; next: number | null }

export interface Stage {
  name: string;
  uses: string;
  manual: boolean;
  environment: string | null;
  allow_failure: boolean;
  level: number;
  state: State;
  flaky: boolean;
  cells: Record<string, number>;
  attempts: number;
  started_at: Seconds | null;
  finished_at: Seconds | null;
  seconds: Seconds | null;
  expected: Seconds | null;
  summary: string;
  waits: string;
  gate: { id: number; state: string } | null;
}

export interface Run {
  id: number;
  project: string;
  number: number;
  state: "running" | "waiting" | "passed" | "failed" | "cancelled";
  version: string;
  branch: string;
  revision: string;
  subject: string;
  author: string;
  committed_at: Seconds | null;
  trigger: string;
  person: string;
  reason: string;
  started_at: Seconds | null;
  finished_at: Seconds | null;
  seconds: Seconds | null;
  superseded_by: number | null;
}

export interface RunRow extends Run { stages: Stage[] }

export interface Artefact {
  stage: string;
  cell: string;
  uses: string;
  name: string;
  sha256: string;
  size: number;
  media_type: string;
  role: string;
  url: string;
}

export interface Attempt {
  id: number;
  attempt: number;
  state: State;
  stale: boolean;
  rollback: boolean;
  tries: number;
  person: string;
  worker: string;
  exit_code: number | null;
  summary: string;
  facts: Record<string, unknown>;
  queued_at: Seconds | null;
  started_at: Seconds | null;
  finished_at: Seconds | null;
  seconds: Seconds | null;
  artefacts: Artefact[];
  borrowed_run: number | null;
  superseded: boolean;
  buildbot: { builder: string; builder_id: number | null; build_id: number | null;
    number: number | null; request_id: number | null } | null;
}

export interface CellResults { cell: string; attempts: Attempt[] }

export interface StageDetail extends Omit<Stage, "gate"> {
  needs: string[];
  on_failure: string[];
  allowed: string[];
  approvals: number;
  results: CellResults[];
  gate: Gate | null;
}

export interface Neighbour { number: number; state: string; revision: string }

export interface RunDetail extends Run {
  stages: StageDetail[];
  critical_path: string[];
  releases: Release[];
  deployments: Deployment[];
  previous: Neighbour | null;
  next: Neighbour | null;
}

export interface Commit { revision: string; subject: string; author: string; committed_at: Seconds | null }

export interface Commits {
  items: Commit[];
  since: { number: number; version: string; revision: string } | null;
  more: boolean;
}

export type Value = string | number | boolean | string[] | null;

export interface Deployment {
  id: number;
  project: string;
  environment: string;
  state: "running" | "deployed" | "rolled-back" | "failed" | "cancelled";
  version: string;
  run: number;
  stage: string;
  revision: string;
  branch: string;
  subject: string;
  release_id: number | null;
  manifest_sha256: string;
  previous: { id: number; version: string; run: number } | null;
  person: string;
  values: Record<string, Value>;
  rollback: boolean;
  message: string;
  facts: Record<string, unknown>;
  started_at: Seconds | null;
  finished_at: Seconds | null;
  seconds: Seconds | null;
}

export interface Approval { person: string; decision: "approve" | "reject"; comment: string; at: Seconds }

export interface Gate {
  id: number;
  project: string;
  run: number;
  version: string;
  branch: string;
  revision: string;
  subject: string;
  stage: string;
  environment: string | null;
  state: "open" | "asked" | "approved" | "opened" | "rejected" | "expired" | "cancelled";
  asking: string;
  ready: boolean;
  rollback: boolean;
  person: string;
  comment: string;
  values: Record<string, Value>;
  secret_names: string[];
  made_at: Seconds | null;
  asked_at: Seconds | null;
  expires_at: Seconds | null;
  ended_at: Seconds | null;
  allowed: string[];
  approvals_needed: number;
  requester_counts: boolean;
  approvals: Approval[];
  waits_for: { what: string; text: string; until: Seconds | null }[];
  may: { open: boolean; change: boolean; approve: boolean; reject: boolean };
  run_state: string;
  outcome: Outcome | null;
}

// What became of the stage that a gate has let go.
export interface Outcome {
  attempt: number;
  state: State;
  summary: string;
  waits: string;
  worker: string;
  exit_code: number | null;
  started_at: Seconds | null;
  finished_at: Seconds | null;
  seconds: Seconds | null;
  deployment: { id: number; state: string; message: string } | null;
}

export type FieldType =
  | "string" | "text" | "integer" | "decimal" | "boolean" | "choice"
  | "multi-choice" | "date" | "release" | "environment" | "secret";

export interface Field {
  name: string;
  type: FieldType;
  label: string;
  help: string | null;
  required: boolean;
  default: Value;
  last: Value;
  choices: { value: string; label: string | null }[] | null;
  limits: Record<string, unknown>;
}

// `id` is 0 where nothing is written down yet: the gate is made when it is asked.
export interface GateDetail extends Gate {
  ask: string;
  token: string | null;
  form: Field[];
  deploys: { release_id: number; version: string; run: number; revision: string;
    manifest_sha256: string; published_at: Seconds | null; artefacts: Artefact[] } | null;
  replaces: Deployment | null;
  direction: "first" | "forward" | "again" | "rollback" | null;
  commits: Commit[];
  commits_more: boolean;
}

export interface Me {
  name: string;
  called: string;
  anonymous: boolean;
  roles: string[];
  may: Record<string, boolean>;
  title: string;
  sign_in: string;
  sign_out: string;
}

export interface Project {
  name: string;
  repository: string;
  branches: string[];
  poll: string | null;
  last_poll: { began_at: Seconds | null; at: Seconds; outcome: string; failed: boolean; runs: number[] } | null;
  frozen: { reason: string; person: string; at: Seconds } | null;
  stages: { name: string }[];
  environments: { name: string; url: string; description: string }[];
}

export interface Environment {
  project: string;
  name: string;
  url: string;
  description: string;
  deployer: string;
  stages: string[];
  state: "empty" | "idle" | "running" | "failed";
  current: Deployment | null;
  running: Deployment | null;
  gates: Gate[];
  waiting: number;
  history: Deployment[];
  earlier: { run: number; version: string; release_id: number; deployed_at: Seconds; person: string }[];
}

export interface Release {
  id: number;
  project: string;
  version: string;
  run: number;
  branch: string;
  revision: string;
  subject: string;
  author: string;
  published_at: Seconds | null;
  place: string;
  manifest_sha256: string;
  artefacts: Artefact[];
  reports: Artefact[];
  deployed: { environment: string; at: Seconds; person: string }[];
  verify: string;
}

export interface TestCase {
  name: string;
  cell: string;
  status: string;
  message: string;
  file: string;
  line: number | null;
  seconds: Seconds | null;
}

export interface TestList { items: TestCase[]; counts: Record<string, number>; attempt: number; next: number | null }

export interface TestRow {
  project: string;
  stage: string;
  cell: string;
  name: string;
  run: number;
  message?: string;
  file?: string;
  at?: Seconds;
  failed?: number;
  of?: number;
  seconds?: Seconds;
}

export interface Tests { failing: TestRow[]; flaky: TestRow[]; slowest: TestRow[]; builds: number }

export interface TestMoment {
  run: number;
  attempt: number;
  branch: string;
  revision: string;
  status: string;
  message: string;
  seconds: Seconds | null;
  at: Seconds | null;
}

export interface Work {
  project: string;
  run: number;
  stage: string;
  cell: string;
  since: Seconds | null;
  expected: Seconds | null;
  builder_id: number | null;
  number: number | null;
}

export interface Worker {
  name: string;
  labels: string[];
  lanes: string[];
  max_builds: number | null;
  connected: boolean;
  paused: boolean;
  isolation: "" | "user" | "namespaces" | "none";
  isolation_told: string;
  busy: Work[];
}

export interface FailedStage {
  project: string;
  run: number;
  stage: string;
  cell: string;
  attempt: number;
  summary: string;
  exit_code: number | null;
  worker: string;
  finished_at: Seconds | null;
}

export interface Workers {
  workers: Worker[];
  lanes: { lane: string; queued: number; running: number; oldest_at: Seconds | null }[];
  failed: FailedStage[];
}

export interface AuditRow {
  id: number;
  at: Seconds;
  actor: string;
  action: string;
  entity: string;
  entity_id: string;
  project: string | null;
  summary: string;
  old: Record<string, unknown> | null;
  new: Record<string, unknown> | null;
  hash: string;
}

export interface Chain { whole: boolean; rows: number; head: string; problem: string }
