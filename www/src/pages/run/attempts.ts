import type { Attempt, CellResults } from "../../api/shapes";

// What a cell has come to: its newest attempt that counts in the run. A rollback to it does not.
export function newest(results: CellResults | undefined): Attempt | undefined {
  return results?.attempts.find((one) => !one.rollback) ?? results?.attempts[0];
}
