/**
 * The status page of something we depend on, kept at Statuspage. It can send no header: the secret is `?key=` of the address. A page that
 * we write ourselves says nothing but what we said: its webhooks carry no metadata, so the page is our mark.
 */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { showsSecretSomehow } from "./proof.ts";
import { deliveryIdOf, event, noted, own, readJson, time } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

/** How bad a component's state is, in words that `severity.ts` knows. */
const STATES: ReadonlyMap<string, string> = new Map([
  ["degraded_performance", "minor"],
  ["partial_outage", "major"],
  ["major_outage", "critical"],
]);
const INCIDENT_STATES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["investigating", "firing"],
  ["identified", "firing"],
  ["monitoring", "firing"],
  ["resolved", "resolved"],
  ["postmortem", "resolved"],
]);

const id = z.string().min(1);
const payload = z.looseObject({ page: z.looseObject({ id }) });
const incidentNews = z.looseObject({
  incident: z.looseObject({
    id,
    name: z.string().default(""),
    status: z.string(),
    impact: z.string().nullish(),
    updated_at: time,
    shortlink: z.string().nullish(),
  }),
});
const componentNews = z.looseObject({
  component: z.looseObject({ name: z.string().default("") }),
  component_update: z.looseObject({ component_id: id, new_status: z.string(), created_at: time }),
});

export const statuspage = defineWebhook({
  vendor: "statuspage",

  verify: showsSecretSomehow,

  parse: ({ body }, context) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const delivery = deliveryIdOf("statuspage", [body]);
    if (context.ownStatuspages.includes(read.value.page.id)) return ok(own(delivery));
    const incident = incidentNews.safeParse(read.value);
    const component = componentNews.safeParse(read.value);
    if (incident.success) {
      const { id: of, name, status: state, impact, updated_at: saidAtMs } = incident.data.incident;
      const status = INCIDENT_STATES.get(state);
      // Maintenance has states of its own, and is announced, not suffered.
      if (status === undefined) return ok(noted(delivery, state));
      const said = {
        source: "statuspage",
        fingerprint: `incident:${of}`,
        status,
        title: name,
        severity: severityOf(impact ?? undefined),
        startsAtMs: saidAtMs,
        labels: { page: read.value.page.id, impact },
        url: incident.data.incident.shortlink,
      };
      return ok(event(delivery, said, { ...context, saidAtMs }));
    }
    if (!component.success) return ok(noted(delivery, "unknown"));
    const {
      component_id: of,
      new_status: state,
      created_at: saidAtMs,
    } = component.data.component_update;
    const word = STATES.get(state);
    if (word === undefined && state !== "operational") return ok(noted(delivery, state));
    const said = {
      source: "statuspage",
      fingerprint: `component:${of}`,
      status: word === undefined ? "resolved" : "firing",
      title: `${component.data.component.name}: ${state}`,
      severity: severityOf(word),
      startsAtMs: saidAtMs,
      labels: { page: read.value.page.id, component: component.data.component.name },
      url: null,
    } as const;
    return ok(event(delivery, said, { ...context, saidAtMs }));
  },
});
