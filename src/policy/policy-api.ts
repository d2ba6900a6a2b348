/** What `GuardPolicy` answers over RPC. Works with callers built one version before or after. */
import type { Failure } from "../incidents/journal.ts";
import type { Result } from "../shared/result.ts";
import type { Policy, PolicyEntry, PolicySeq } from "./policy.ts";

export type PolicyApi = {
  /** The policy when it is newer than `since`, else only how far it is. Cheap: the guard's one call. */
  read(
    since: PolicySeq | null,
  ): Promise<{ readonly seq: PolicySeq; readonly policy: Policy | null }>;
  /** Adds or replaces the entry with this id. A malformed one is refused and the last good policy kept. */
  put(entry: PolicyEntry): Promise<Result<{ readonly seq: PolicySeq }, Failure>>;
  get(id: string): Promise<PolicyEntry | null>;
  remove(
    id: string,
  ): Promise<Result<{ readonly seq: PolicySeq; readonly existed: boolean }, Failure>>;
  entries(): Promise<readonly PolicyEntry[]>;
  /** How often guards should ask: shorter while anything is open. */
  setPollMs(pollMs: number): Promise<void>;
};
