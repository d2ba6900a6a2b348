/** A zone in which a person has a rule already, and what of it stands under which lease, for mitigations that are one rule of a phase. */
import type { CloudflareState } from "../../../dev/vendors/cloudflare-api.ts";
import { readMark } from "../../../src/mitigations/mark.ts";
import type { StoredLease } from "../../../src/mitigations/opaque.ts";
import type { EdgePhase, EdgeRuleDraft } from "../../../src/platform/cloudflare-rulesets.ts";
import type { VendorGround } from "../../contract/actuator.ts";
import { TOKEN, vendor } from "./cloudflare.ts";

export type Theirs = Omit<EdgeRuleDraft, "ref" | "description"> | null;

export async function zoneWith(
  phase: EdgePhase,
  theirs: Theirs,
  given: Pick<CloudflareState, "plan" | "securityLevel"> = {},
) {
  const rules = theirs === null ? [] : [{ id: "theirs", ref: "theirs", ...theirs }];
  const rulesets = theirs === null ? [] : [{ id: "ruleset", phase, rules }];
  const cloudflare = await vendor({ rulesets, ...given });
  // Time enough between two calls, so that neither our own limit nor a 429 is felt.
  let atMs = 0;
  const api = cloudflare.client(undefined, TOKEN, () => (atMs += 60_000));
  const rulesNow = async () =>
    ((await cloudflare.state()).rulesets ?? []).flatMap(({ id: ruleset, rules: found = [] }) =>
      found.map((one) => ({ ...one, ruleset })),
    );
  const ofLease = async (leaseId: string) =>
    (await rulesNow()).find(({ ref }) => ref === leaseId) ?? null;
  const change = async (leaseId: string, method: string, body?: unknown): Promise<void> => {
    const rule = await ofLease(leaseId);
    const path = `/zones/zone/rulesets/${rule?.ruleset ?? ""}/rules/${rule?.id ?? ""}`;
    const answer = await cloudflare.ask(path, method, body);
    if (!answer.ok) throw new Error(await answer.text());
  };
  /** As a person who changes a part of our rule, and keeps the rest. */
  const rewrite = async (leaseId: string, changes: object): Promise<void> => {
    const { action, action_parameters, expression, ratelimit, description } =
      (await ofLease(leaseId)) ?? {};
    await change(leaseId, "PATCH", {
      action,
      description,
      expression,
      ...(action_parameters === undefined ? {} : { action_parameters }),
      ...(ratelimit === undefined ? {} : { ratelimit }),
      ...changes,
    });
  };
  return {
    ...cloudflare,
    reach: cloudflare.reach({ api }),
    rules: rulesNow,
    ofLease,
    rewrite,
    /** As a person who narrows our rule. */
    narrow: (leaseId: string) =>
      rewrite(leaseId, { expression: '(http.request.uri.path eq "/narrow")' }),
    remove: (leaseId: string) => change(leaseId, "DELETE"),
  };
}

/** The lease of this id, which these options are usual for. */
export const leaseMaker =
  (id: StoredLease["id"], usual: unknown) =>
  (options: unknown = usual, changes: Partial<StoredLease> = {}): StoredLease => ({
    id,
    incidentId: "inc_1",
    options,
    reason: "ddos",
    shadow: false,
    share: 1,
    expiresAtMs: Date.now() + 3_600_000,
    prior: null,
    ...changes,
  });

export async function ruleGround(phase: EdgePhase, theirs: Theirs): Promise<VendorGround> {
  const edge = await zoneWith(phase, theirs);
  return {
    reach: edge.reach,
    unreachable: edge.unreachable,
    version: edge.rules,
    standing: async (leaseId) => {
      const mark = readMark((await edge.ofLease(leaseId))?.description ?? "");
      return mark === null ? null : { share: 1, shadow: false, expiresAtMs: mark.expiresAtMs };
    },
    takeOver: edge.narrow,
    remove: edge.remove,
    failNextChange: edge.failNextWrite,
  };
}
