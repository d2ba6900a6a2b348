/** What mitigations at Neon share: the note that outlives whoever wrote it, and waiting until a change has ended. */
import type { Failure } from "../incidents/journal.ts";
import { readParent, untilEnded, type NeonOperation } from "../platform/neon-branches.ts";
import { rewriteNote, writeNote, type NeonNote } from "../platform/neon-notes.ts";
import type { Neon } from "../platform/neon.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { NeonReach } from "./actuator.ts";

/** Writes the note, or gives the one that is there a new end. */
export async function keepNote(
  neon: NeonReach,
  text: string,
  note: NeonNote | null,
): Promise<Result<null, Failure>> {
  if (note?.text === text) return ok(null);
  if (note !== null) return settled(neon.api, await rewriteNote(neon.api, note.id, text));
  const parent = await readParent(neon.api, neon.branchId);
  if (!parent.ok) return parent;
  if (parent.value === null) {
    return err({ class: "refuse", detail: "the project has no such branch" });
  }
  return settled(neon.api, await writeNote(neon.api, parent.value.id, text));
}

/** A change counts once what Neon does for it has ended: until then the project is locked. */
export async function settled(
  api: Neon,
  changed: Result<readonly NeonOperation[], Failure>,
): Promise<Result<null, Failure>> {
  return changed.ok ? untilEnded(api, changed.value) : changed;
}
