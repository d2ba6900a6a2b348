/** Every tool whose webhooks we read; the key is the last part of `/webhooks/{source}`. */
import { alertmanager } from "./alertmanager.ts";
import type { Webhook } from "./webhook.ts";

export const WEBHOOKS = {
  [alertmanager.vendor]: alertmanager,
} as const;

/** The same list, looked up by any string. */
export const webhooks: ReadonlyMap<string, Webhook> = new Map(Object.entries(WEBHOOKS));
