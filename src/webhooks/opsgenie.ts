/**
 * Opsgenie, and Jira Service Management's operations, which speak alike. They sign nothing: the secret is a bearer token in a custom
 * header or a basic password.
 */
import { z } from "zod";
import { WHO_CHARS_MAX, type PagerAnswer } from "../alerts/pager-answers.ts";
import { ok } from "../shared/result.ts";
import { showsSecret } from "./proof.ts";
import { deliveryIdOf, event, idText, incidentIdOf, noted, own, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["Create", "firing"],
  ["Close", "resolved"],
  ["Delete", "resolved"],
]);

/** What people do there about an incident of ours. */
const DEEDS: ReadonlyMap<string, PagerAnswer["deed"]> = new Map([
  ["Acknowledge", "acknowledge"],
  ["Close", "resolve"],
]);

const text = z.string().nullish();
const envelope = z.looseObject({ action: z.string().min(1), alert: z.unknown() });
const alert = z.looseObject({
  alertId: z.string().min(1),
  message: text,
  alias: text,
  entity: text,
  source: text,
  tags: z.array(z.unknown()).nullish(),
  createdAt: z.int(),
  /** In nanoseconds, which JavaScript rounds to some hundred of them: good for a time, not for a key. */
  updatedAt: z.number().nullish().catch(null),
  /** Who did it; without a `userId` it was no person. */
  username: text,
  userId: text,
  /** `3` or `P3`. */
  priority: idText.nullish(),
});

export const opsgenie = defineWebhook({
  vendor: "opsgenie",

  verify: showsSecret,

  parse: ({ body }, context) => {
    const read = readJson(envelope, body);
    if (!read.ok) return read;
    const { action } = read.value;
    const about = alert.safeParse(read.value.alert);
    const status = STATUSES.get(action);
    const answer = about.success ? answerIn(action, about.data, { body, ...context }) : null;
    if (answer !== null) return ok({ ...own(answer.id), answer });
    if (status === undefined || !about.success) {
      return ok(noted(deliveryIdOf("opsgenie", [body]), action));
    }
    const { alertId, message, alias, entity, source, tags, createdAt, priority } = about.data;
    const said = {
      source: "opsgenie",
      fingerprint: alertId,
      status,
      title: message ?? "",
      severity: severityOf(priority?.replace(/^\d$/, "P$&")),
      startsAtMs: createdAt,
      labels: { alias, entity, source },
      url: null,
    } as const;
    const delivery = deliveryIdOf("opsgenie", [alertId, action]);
    const texts = [alias, ...(tags ?? [])];
    return ok(event(delivery, said, { ...context, saidAtMs: createdAt, texts }));
  },
});

const NS_PER_MS = 1_000_000;

function answerIn(
  action: string,
  { alias, username, userId, updatedAt }: z.infer<typeof alert>,
  { body, atMs }: { readonly body: string; readonly atMs: number },
): PagerAnswer | null {
  const [incidentId, deed] = [incidentIdOf(alias), DEEDS.get(action)];
  if (incidentId === null || deed === undefined || !username || !userId) return null;
  return {
    id: deliveryIdOf("opsgenie", [body]),
    incidentId,
    pager: "Opsgenie",
    who: username.slice(0, WHO_CHARS_MAX),
    deed,
    saidAtMs: updatedAt == null ? atMs : Math.floor(updatedAt / NS_PER_MS),
  };
}
