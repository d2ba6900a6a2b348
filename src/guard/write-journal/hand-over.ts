/**
 * Gives a delivery that production cannot take now to the journal of its route. Strangers never reach the journal: whoever cannot
 * prove who sent it, here and now, is treated as if there were none.
 */
import type { Acceptance, JournalApi } from "../../write-journal/journal-api.ts";
import type { JournalRoute } from "../../policy/policy.ts";
import { within } from "../deadline.ts";
import { holdingBody } from "../held-bodies.ts";
import type { SigningKey } from "../signed.ts";
import type { VerdictReason } from "../verdict.ts";
import { REPLAY_HEADER, verifyReplay } from "./envelope.ts";
import { readBytes } from "./read-bytes.ts";
import { KEPT_HEADERS, proofHeader, secretsIn, verifyDelivery } from "./schemes.ts";

/** For the body, and then for the journal's answer. Senders wait ten seconds and more; one that is told to come again does. */
export const HAND_OVER_DEADLINE_MS = 5_000;
const ALWAYS_KEPT = ["content-type", "user-agent"];

export type JournalLink = {
  /** The journal of a route; called per use, because stubs belong to the request that made them. Null: it is not bound. */
  readonly journal: (routeId: string) => Pick<JournalApi, "accept"> | null;
  /** A secret by its name. */
  readonly secret: (name: string) => string | undefined;
};

/** `passes`: it is a replay of ours. What is neither taken nor full meets what it would have met without a journal. */
export type HandedOver =
  | Extract<VerdictReason, "journaled" | "journal_full" | "journal_missed" | "journal_unproved">
  | "passes";

export type HandOverContext = {
  readonly link: JournalLink;
  readonly keys: readonly SigningKey[];
  readonly instance: string;
  readonly nowMs: number;
};

/** Reads a copy of the body; the request stays whole for whoever gets it otherwise. */
export async function handOver(
  request: Request,
  route: JournalRoute,
  { link, keys, instance, nowMs }: HandOverContext,
): Promise<HandedOver> {
  const journal = link.journal(route.id);
  const secrets = secretsIn(link.secret(route.secret) ?? "");
  if (journal === null || secrets.length === 0) return "journal_missed";
  const token = request.headers.get(REPLAY_HEADER);
  // Who does not even claim to be the sender has nothing read.
  if (token === null && !request.headers.has(proofHeader(route))) return "journal_unproved";
  const held = { deadlineMs: HAND_OVER_DEADLINE_MS, unread: null };
  const body = await holdingBody(request, held, () =>
    within(readBytes(request.clone(), route.bodyBytesMax), HAND_OVER_DEADLINE_MS, null),
  );
  if (body === null) return "journal_missed";

  const { pathname, search } = new URL(request.url);
  const path = pathname + search;
  if (token !== null && (await verifyReplay(token, { keys, instance, path, body, nowMs })).ok) {
    return "passes";
  }
  const proof = await verifyDelivery({ headers: request.headers, body }, route, { secrets, nowMs });
  if (!proof.ok) return "journal_unproved";
  const delivery = {
    key: proof.value.id,
    url: request.url,
    headers: headersToKeep(request.headers, route),
    body,
    receivedAtMs: nowMs,
  };
  const accepting = journal.accept(delivery);
  return meaningOf(await within(accepting, HAND_OVER_DEADLINE_MS, null));
}

const meaningOf = (answer: Acceptance | null): HandedOver => {
  if (answer === null) return "journal_missed";
  if (answer.taken) return "journaled";
  return answer.why === "full" ? "journal_full" : "journal_missed";
};

function headersToKeep(headers: Headers, { scheme, keepHeaders }: JournalRoute) {
  const names = new Set([...ALWAYS_KEPT, ...KEPT_HEADERS[scheme], ...keepHeaders]);
  return [...names].flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [{ name, value }];
  });
}
