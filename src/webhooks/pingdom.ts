/** Pingdom. It can send no header: the secret is `?key=` of the address. */
import { z } from "zod";
import { ok } from "../shared/result.ts";
import { showsSecretSomehow } from "./proof.ts";
import { deliveryIdOf, event, idText, noted, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

/** A transaction check fails and succeeds instead. */
const STATUSES: ReadonlyMap<string, "firing" | "resolved"> = new Map([
  ["DOWN", "firing"],
  ["FAILING", "firing"],
  ["UP", "resolved"],
  ["SUCCESS", "resolved"],
]);

const text = z.string().nullish();
const payload = z.looseObject({
  check_id: idText,
  check_name: text,
  check_type: text,
  current_state: z.string().min(1),
  state_changed_timestamp: z.number().positive(),
  importance_level: text,
  description: text,
  long_description: text,
  /** What people wrote for whoever is alerted. */
  custom_message: text,
  check_params: z.looseObject({ full_url: text, hostname: text }).nullish().catch(null),
});

export const pingdom = defineWebhook({
  vendor: "pingdom",

  verify: showsSecretSomehow,

  parse: ({ body }, context) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const { check_id: fingerprint, check_name: name, current_state: state } = read.value;
    const saidAtMs = read.value.state_changed_timestamp * 1_000;
    const delivery = deliveryIdOf("pingdom", [fingerprint, state, saidAtMs]);
    const status = STATUSES.get(state);
    if (status === undefined) return ok(noted(delivery, state));
    const { long_description: why, check_params: params, check_type: kind } = read.value;
    const said = {
      source: "pingdom",
      fingerprint,
      status,
      title: [name, why ?? read.value.description].filter(Boolean).join(": "),
      // Where it says nothing: a monitor that looks from outside and finds it down is major.
      severity: severityOf(read.value.importance_level ?? "high"),
      startsAtMs: saidAtMs,
      labels: { check: name, type: kind, hostname: params?.hostname },
      url: params?.full_url,
    };
    const texts = [read.value.custom_message];
    return ok(event(delivery, said, { ...context, saidAtMs, texts }));
  },
});
