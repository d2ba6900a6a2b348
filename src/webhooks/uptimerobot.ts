/**
 * UptimeRobot. It sends what it has to say as the query of a GET (its default), as a form or, with the template in docs/alerts.md, as
 * JSON, and can send no header: the secret is `?key=` of the address. A variable without a value arrives as `*itsName*`, and what
 * people wrote as HTML has it.
 */
import { z } from "zod";
import { err, ok } from "../shared/result.ts";
import { parseJson } from "../shared/json.ts";
import { showsSecretSomehow } from "./proof.ts";
import { deliveryIdOf, event, noted, problemsOf } from "./reading.ts";
import { defineWebhook, type Delivery } from "./webhook.ts";

const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["1", "firing"],
  ["2", "resolved"],
]);

const values = z.record(z.string(), z.unknown());
const text = z.string().optional();
const payload = z.object({
  monitorid: text,
  monitorurl: text,
  monitorfriendlyname: text,
  alerttype: z.string(),
  alerttypefriendlyname: text,
  alertdetails: text,
  alertdatetime: text,
});

export const uptimerobot = defineWebhook({
  vendor: "uptimerobot",
  comesAsGet: true,

  verify: showsSecretSomehow,

  parse: (delivery, context) => {
    const read = payload.safeParse(said(delivery));
    if (!read.success) return err(problemsOf(read.error));
    const { monitorid, monitorurl, monitorfriendlyname: name, alerttype: kind } = read.data;
    const fingerprint = monitorid ?? monitorurl ?? name;
    const seconds = Number(read.data.alertdatetime ?? Number.NaN);
    const saidAtMs = Number.isFinite(seconds) ? seconds * 1_000 : context.atMs;
    const id = deliveryIdOf("uptimerobot", [fingerprint, kind, read.data.alertdatetime]);
    const status = STATUSES.get(kind);
    if (status === undefined || fingerprint === undefined) {
      return ok(noted(id, read.data.alerttypefriendlyname ?? kind));
    }
    const { alertdetails: details } = read.data;
    const alert = {
      source: "uptimerobot",
      fingerprint,
      status,
      title: [name ?? fingerprint, details].filter(Boolean).join(": "),
      // It has no severities: a monitor that looks from outside and finds it down is major.
      severity: "SEV-2",
      startsAtMs: saidAtMs,
      labels: { monitor: name, target: monitorurl, details },
      url: monitorurl,
    } as const;
    return ok(event(id, alert, { ...context, saidAtMs }));
  },
});

/** Names as `monitorID`, `monitor_id` or as its query has them; values that were never filled in are left out. */
function said({ query, body }: Delivery): Readonly<Record<string, string>> {
  const json = values.safeParse(parseJson(body));
  const form = json.success ? Object.entries(json.data) : new URLSearchParams(body);
  const given = [...query, ...form];
  return Object.fromEntries(
    given.flatMap(([name, value]) => {
      const isValue = typeof value === "string" || typeof value === "number";
      const isFilled = isValue && value !== "" && !/^\*\w+\*$/.test(String(value));
      return isFilled ? [[name.replaceAll("_", "").toLowerCase(), unescaped(String(value))]] : [];
    }),
  );
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&quot;", '"'],
  ["&apos;", "'"],
  ["&#39;", "'"],
  ["&#039;", "'"],
]);

/** Once: what people wrote as `&amp;lt;` meant `&lt;`. */
const unescaped = (text: string): string =>
  text.replaceAll(/&(?:amp|lt|gt|quot|apos|#0?39);/g, (entity) => ENTITIES.get(entity) ?? entity);
