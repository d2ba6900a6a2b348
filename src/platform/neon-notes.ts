/**
 * Notes at Neon: what a change there was and whose it is, written where it outlives whoever made it. Computes have no place for words,
 * so a note is the name of a branch without a compute, which runs nothing.
 */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import { listBranches, operation, type NeonOperation } from "./neon-branches.ts";
import type { Neon, NeonFailure } from "./neon.ts";

export type NeonNote = { readonly id: string; readonly text: string };
type Answer<T> = Promise<Result<T, NeonFailure>>;

const done = z.object({ operations: z.array(operation).max(100) });

/** Notes that contain these words. */
export async function findNotes(neon: Neon, words: string): Answer<readonly NeonNote[]> {
  const found = await listBranches(neon, words);
  return found.ok ? ok(found.value.map(({ id, name }) => ({ id, text: name }))) : found;
}

/** Two notes of the same text are refused. */
export const writeNote = (
  neon: Neon,
  parentId: string,
  text: string,
): Answer<readonly NeonOperation[]> =>
  change(neon, "POST", "/branches", { branch: { name: text, parent_id: parentId } });

export const rewriteNote = (
  neon: Neon,
  id: string,
  text: string,
): Answer<readonly NeonOperation[]> =>
  change(neon, "PATCH", `/branches/${encodeURIComponent(id)}`, { branch: { name: text } });

/** One that is gone already is removed as well. */
export async function removeNote(neon: Neon, id: string): Answer<readonly NeonOperation[]> {
  const removed = await change(neon, "DELETE", `/branches/${encodeURIComponent(id)}`);
  return !removed.ok && removed.error.status === 404 ? ok([]) : removed;
}

async function change(
  { call }: Neon,
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
): Answer<readonly NeonOperation[]> {
  const answer = await call({
    method,
    path,
    result: done,
    ...(body === undefined ? {} : { body }),
  });
  return answer.ok ? ok(answer.value.operations) : answer;
}
