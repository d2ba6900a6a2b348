/**
 * Signs everybody out, or the accounts that are named: production's SDK takes no session that was issued before this moment. The moment is
 * set once, however often it is asked for, so that nobody is signed out twice.
 */
import { z } from "zod";
import type { PolicyEntry } from "../../policy/policy.ts";
import { ACCOUNT_CHARS_MAX, REVOKED_ACCOUNTS_MAX, sdkAction } from "../../policy/sdk-kinds.ts";
import type { Failure } from "../../incidents/journal.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { utcDate, utcTime } from "../../shared/utc.ts";
import { defineAct, type Done } from "../actuator.ts";
import { durationOption, msOf } from "../duration-option.ts";

const options = z.strictObject({
  /** As the SDK hashes them; without any, everybody. */
  accounts: z
    .array(z.string().min(1).max(ACCOUNT_CHARS_MAX))
    .min(1)
    .max(REVOKED_ACCOUNTS_MAX)
    .optional(),
  /** How long production's sessions live at most: for so long the moment is remembered. */
  sessions_live: durationOption(60_000, 30 * 86_400_000).default("24h"),
});
type Options = z.infer<typeof options>;

const judged = z.object({ whose: z.string() });

export const revokeSessions = defineAct({
  id: "revoke-sessions",
  kind: "act",
  options,
  judged,
  traits: { siteWide: false },
  plan: (given) => ({ siteWide: false, touches: `${whose(given)} will have to sign in again` }),
  missing: () => null,

  async judge({ id, options: given }, reach) {
    // Where it cannot be said whether it stands, nobody is asked to agree to it.
    const standing = await reach.policy.get(id);
    if (!standing.ok) return standing;
    return ok({
      judged: { whose: whose(given) },
      says: `end every session of ${whose(given)} that was issued before`,
    });
  },

  async perform({ id, incidentId, reason, options: given }, reach) {
    const standing = await reach.policy.get(id);
    if (!standing.ok) return standing;
    // Whoever signed in since the first attempt stays signed in.
    if (standing.value !== null) return doneBy(standing.value, given);
    const nowMs = Date.now();
    const entry: PolicyEntry = {
      id,
      kind: "sessions-revoked",
      owner: `${reach.instance}/${incidentId}`,
      reason,
      match: {},
      action: {
        issuedUntilMs: nowMs,
        ...(given.accounts === undefined ? {} : { accounts: given.accounts }),
      },
      mode: "enforce",
      // Nobody who was signed out may be signed in again because Firebreak is gone.
      fail: "closed",
      share: 1,
      salt: id,
      expiresAtMs: nowMs + msOf(given.sessions_live),
    };
    const put = await reach.policy.put(entry);
    return put.ok ? doneBy(entry, given) : put;
  },

  async confirm({ id, options: given }, reach) {
    const standing = await reach.policy.get(id);
    if (!standing.ok) return standing;
    if (standing.value === null) return ok({ done: false });
    const done = doneBy(standing.value, given);
    return done.ok ? ok({ done: true, ...done.value }) : done;
  },
});

const whose = ({ accounts }: Options): string =>
  accounts === undefined
    ? "everybody"
    : `${accounts.length} ${accounts.length === 1 ? "account" : "accounts"}`;

function doneBy(entry: PolicyEntry, given: Options): Result<Done, Failure> {
  const action = sdkAction("sessions-revoked", entry);
  if (action === null) {
    return err({ class: "refuse", detail: `the policy holds something else under ${entry.id}` });
  }
  const { issuedUntilMs } = action;
  return ok({
    says: `no session of ${whose(given)} counts that was issued before ${utcDate(issuedUntilMs)} ${utcTime(issuedUntilMs)} UTC`,
    receipt: { issuedUntilMs, expiresAtMs: entry.expiresAtMs },
  });
}
