/** What maintenance mode and read-only share when a switch of the app's own turns them on, instead of a policy. */
import type { Context } from "hono";
import * as z from "zod";
import type { EnforcedKind } from "../../policy/kinds.ts";
import { guardSettings, POLICY_FORMAT, type Policy } from "../../policy/policy.ts";
import { answerFor } from "../answers.ts";
import { decideWithBody } from "../decide-with-body.ts";
import { readFacts } from "../facts.ts";
import { loadPolicy } from "../loaded-policy.ts";

const routes = z.array(z.string().startsWith("/", "write a path that starts with /")).default([]);
const options = z.strictObject({
  exempt: routes,
  graphqlRoutes: routes,
  title: z.string().min(1).max(120).default("This site"),
  message: z.string().min(1).max(500).optional(),
  contact: z.string().max(200).optional(),
  retryAfterSeconds: z.int().min(1).max(86_400).default(60),
});

export type SwitchOptions = Omit<z.input<typeof options>, "graphqlRoutes"> & {
  /** Asked for each request: a flag, a binding, a lookup. If it fails, the request is served. */
  readonly isOn: (c: Context) => boolean | Promise<boolean>;
};

export type ReadOnlyOptions = SwitchOptions & Pick<z.input<typeof options>, "graphqlRoutes">;

/** Decides with the guard's own function on a policy of one entry; answers null when the request may go on. */
export function switched(
  kind: EnforcedKind,
  { isOn, ...given }: ReadOnlyOptions,
): (c: Context) => Promise<Response | null> {
  const loaded = loadPolicy(policyOf(kind, options.parse(given)));
  const { settings } = loaded.policy;
  return async function answer(c) {
    if (!(await isOnOrNot(isOn, c))) return null;
    const nowMs = Date.now();
    const facts = readFacts(c.req.raw, settings, null);
    const snapshot = { loaded, confirmedAtMs: nowMs };
    const { enforced } = await decideWithBody(c.req.raw, facts, { snapshot, nowMs });
    return enforced === null ? null : answerFor(c.req.raw, { enforced, settings, nowMs });
  };
}

/** A switch that cannot be read must not take the site down. */
async function isOnOrNot(isOn: SwitchOptions["isOn"], c: Context): Promise<boolean> {
  try {
    return await isOn(c);
  } catch (fault) {
    console.error("firebreak: the switch could not be read, so the request is served", {
      fault: String(fault),
    });
    return false;
  }
}

function policyOf(kind: EnforcedKind, given: z.output<typeof options>): Policy {
  const { exempt, graphqlRoutes, title, message, contact = null, retryAfterSeconds } = given;
  const settings = guardSettings.parse({
    pollMs: Number.MAX_SAFE_INTEGER,
    clientAddress: "none",
    title,
    maintenanceExempt: exempt,
    readOnlyExempt: exempt,
    graphqlRoutes,
  });
  return {
    format: POLICY_FORMAT,
    instance: "",
    seq: { epoch: 0, n: 0 },
    compiledAtMs: 0,
    staleAfterMs: Number.MAX_SAFE_INTEGER,
    settings: { ...settings, messages: { ...settings.messages, contact } },
    entries: [
      {
        id: kind,
        kind,
        owner: "app",
        reason: "",
        match: {},
        action: { retryAfterSeconds, ...(message === undefined ? {} : { message }) },
        mode: "enforce",
        fail: "open",
        share: 1,
        salt: "",
        expiresAtMs: Number.MAX_SAFE_INTEGER,
      },
    ],
    blobs: {},
  };
}
