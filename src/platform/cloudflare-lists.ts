/**
 * Lists of addresses of an account, that rules of its zones name. What is on them changes in bulk operations: asked for, done a
 * moment later, and one at a time for the whole account.
 */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";
import { pauseFor } from "./deadline.ts";

/** As the vendor allows them: lower case here, so that one name has one spelling. */
export const LIST_NAME_CHARS_MAX = 50;
const LISTS_MAX = 1_000;
/** Of one list, what is read; a plan holds 10 000 on all lists together. */
export const LIST_ITEMS_MAX = 10_000;
const ITEMS_PER_PAGE = 500;
/** A bulk operation takes a second or two; who asks again later finds what it did. */
const LOOKS_MAX = 10;
const LOOK_EVERY_MS = 500;

export type EdgeList = { readonly id: string; readonly name: string };
export type EdgeItem = { readonly id: string; readonly ip: string; readonly comment: string };
type Answer<T> = Promise<Result<T, CloudflareFailure>>;
type Pause = (ms: number) => Promise<void>;

const LISTS = "/rules/lists";
const listPath = (id: string): string => `${LISTS}/${encodeURIComponent(id)}`;
const list = z.object({ id: z.string().min(1), name: z.string(), kind: z.string() });

/** Null when the account has none of that name. */
export async function findList({ call }: Cloudflare, name: string): Answer<EdgeList | null> {
  const answer = await call({ method: "GET", path: LISTS, result: z.array(list).max(LISTS_MAX) });
  if (!answer.ok) return answer;
  return ok(answer.value.find((one) => one.name === name && one.kind === "ip") ?? null);
}

export const makeList = (
  { call }: Cloudflare,
  { name, description }: { readonly name: string; readonly description: string },
): Answer<EdgeList> =>
  call({ method: "POST", path: LISTS, body: { name, kind: "ip", description }, result: list });

/** One that rules still name stays, and that is a refusal; one that is gone is gone. */
export async function dropList({ call }: Cloudflare, id: string): Answer<null> {
  const answer = await call({ method: "DELETE", path: listPath(id), result: z.unknown() });
  return answer.ok || answer.error.status === 404 ? ok(null) : answer;
}

const item = z.object({
  id: z.string().min(1),
  ip: z.string(),
  comment: z
    .string()
    .nullish()
    .transform((comment) => comment ?? ""),
});

/** All that is on it, at most {@link LIST_ITEMS_MAX}. */
export async function readItems({ page }: Cloudflare, id: string): Answer<readonly EdgeItem[]> {
  const items: EdgeItem[] = [];
  let cursor: string | null = null;
  do {
    const answer: Awaited<ReturnType<typeof page<EdgeItem[]>>> = await page({
      method: "GET",
      path: `${listPath(id)}/items`,
      query: { per_page: String(ITEMS_PER_PAGE), ...(cursor === null ? {} : { cursor }) },
      result: z.array(item).max(ITEMS_PER_PAGE),
    });
    if (!answer.ok) return answer;
    items.push(...answer.value.result);
    cursor = answer.value.after;
  } while (cursor !== null && items.length < LIST_ITEMS_MAX);
  return ok(items);
}

/** Adds these; of an address that is there already the comment is replaced. Ok once it was done. */
export const putItems = (
  cloudflare: Cloudflare,
  id: string,
  items: readonly Pick<EdgeItem, "ip" | "comment">[],
  pause: Pause = pauseFor,
): Promise<Result<null, Failure>> => inBulk(cloudflare, { method: "POST", id, body: items }, pause);

/** Takes these off. Ok once it was done. */
export const dropItems = (
  cloudflare: Cloudflare,
  id: string,
  items: readonly Pick<EdgeItem, "id">[],
  pause: Pause = pauseFor,
): Promise<Result<null, Failure>> =>
  inBulk(
    cloudflare,
    { method: "DELETE", id, body: { items: items.map((one) => ({ id: one.id })) } },
    pause,
  );

async function inBulk(
  cloudflare: Cloudflare,
  asked: { readonly method: "POST" | "DELETE"; readonly id: string; readonly body: unknown },
  pause: Pause,
): Promise<Result<null, Failure>> {
  const begun = await cloudflare.call({
    method: asked.method,
    path: `${listPath(asked.id)}/items`,
    body: asked.body,
    result: z.object({ operation_id: z.string().min(1) }),
    isOneAtATime: true,
  });
  if (begun.ok) return untilDone(cloudflare, begun.value.operation_id, pause);
  // Somebody else's is still at work, or took the list away since: what is there now is for the next attempt.
  const isForLater = begun.error.status === 404 || begun.error.errors.some(isBusy);
  return isForLater ? err({ ...begun.error, class: "retry" }) : begun;
}

/** The vendor documents the rule, and 429 for it, but no code. */
const isBusy = ({ message }: { readonly message: string }): boolean =>
  /bulk operation|operation.{0,40}(?:pending|progress|outstanding)/i.test(message);

const operation = z.object({
  status: z.enum(["pending", "running", "completed", "failed"]),
  error: z.string().max(1_000).optional(),
});

async function untilDone(
  { call }: Cloudflare,
  id: string,
  pause: Pause,
): Promise<Result<null, Failure>> {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const looked = await call({
      method: "GET",
      path: `${LISTS}/bulk_operations/${encodeURIComponent(id)}`,
      result: operation,
    });
    if (looked.ok && looked.value.status === "completed") return ok(null);
    if (looked.ok && looked.value.status === "failed") {
      const why = (looked.value.error ?? "").slice(0, 200);
      return err({ class: "refuse", detail: `Cloudflare: the change of the list failed: ${why}` });
    }
    await pause(LOOK_EVERY_MS);
  }
  return err({ class: "unknown_outcome", detail: "Cloudflare: it is still changing the list" });
}
