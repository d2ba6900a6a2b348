/** What maintenance mode and read-only share when a switch of the app's own turns them on, instead of a policy. */
import type { Context } from "hono";
import * as z from "zod";
import type { EnforcedKind } from "../../policy/kinds.ts";
import { defaultSettings } from "../../policy/policy.ts";
import { NO_KEY } from "../challenge/clearance.ts";
import { answerFor } from "../answers.ts";
import { decideFully } from "../decide-fully.ts";
import { readFacts } from "../facts.ts";
import { NO_METER } from "../limits/meter.ts";
import type { LoadedPolicy } from "../loaded-policy.ts";
import { fixedPolicy } from "./fixed-policy.ts";
import { isOnOrNot, type IsOn } from "./is-on.ts";
import { say } from "../../shared/log.ts";

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
  readonly isOn: IsOn;
};

export type ReadOnlyOptions = SwitchOptions & Pick<z.input<typeof options>, "graphqlRoutes">;

/** Decides with the guard's own function on a policy of one entry; answers null when the request may go on. */
export function switched(
  kind: EnforcedKind,
  { isOn, ...given }: ReadOnlyOptions,
): (c: Context) => Promise<Response | null> {
  const loaded = policyOf(kind, options.parse(given));
  const { settings } = loaded.policy;
  return async function answer(c) {
    if (!(await isOnOrNot(isOn, c))) return null;
    const nowMs = Date.now();
    const snapshot = { loaded, confirmedAtMs: nowMs };
    const ground = { snapshot, nowMs, meter: NO_METER, clearance: () => NO_KEY };
    try {
      const facts = readFacts(c.req.raw, settings, null);
      const { enforced, limited } = await decideFully(c.req.raw, facts, ground);
      if (enforced === null) return null;
      return answerFor(c.req.raw, { enforced, limited, settings, nowMs });
    } catch (fault) {
      // No reason to take the app down; a body that breaks while it is read is one, for instance.
      say("error", {
        part: "guard",
        detail: `${kind} failed, so the app answers`,
        fault: String(fault),
      });
      return null;
    }
  };
}

function policyOf(kind: EnforcedKind, given: z.output<typeof options>): LoadedPolicy {
  const { exempt, graphqlRoutes, title, message, contact = null, retryAfterSeconds } = given;
  const action = { retryAfterSeconds, ...(message === undefined ? {} : { message }) };
  const { messages } = defaultSettings();
  return fixedPolicy(
    { kind, action },
    {
      title,
      maintenanceExempt: exempt,
      readOnlyExempt: exempt,
      graphqlRoutes,
      messages: { ...messages, contact },
    },
  );
}
