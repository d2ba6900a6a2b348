/** The port every webhook vendor implements: one file in this room, one line in `registry.ts`. */
import type { Alert } from "../alerts/alert.ts";
import type { Deployment } from "../alerts/deployments.ts";
import type { PagerAnswer } from "../alerts/pager-answers.ts";
import type { Result } from "../shared/result.ts";

/** Alerts taken from one delivery; the rest count as truncated, because refusing it would lose them all. */
export const ALERTS_PER_DELIVERY_MAX = 1_000;

export type Webhook<Vendor extends string = string> = {
  readonly vendor: Vendor;
  /** Its deliveries may come as a GET, with everything in the query. */
  readonly comesAsGet?: true;
  /** Was this delivery sent by who holds the secret? Over the raw bytes, in constant time. */
  readonly verify: (
    delivery: Delivery,
    secret: string,
    reach: WebhookReach,
  ) => boolean | Promise<boolean>;
  /** Reads what was verified; a refusal lists what is wrong with it, without repeating what it holds. */
  readonly parse: (
    delivery: Delivery,
    context: WebhookContext,
  ) => Result<Parsed, readonly string[]>;
};

export type Delivery = {
  readonly headers: Headers;
  readonly query: URLSearchParams;
  /** As they arrived: what signatures are over. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same as text: what is read. */
  readonly body: string;
};

export type WebhookReach = {
  /** When it arrived. */
  readonly atMs: number;
  /** For a vendor that publishes its key instead of sharing one. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
};

export type WebhookContext = {
  /** Ours, so that our own alerts are recognised when they come back. */
  readonly instance: string;
  /** Pages at Statuspage that we write: what they say is what we said. */
  readonly ownStatuspages: readonly string[];
  /** When it arrived. */
  readonly atMs: number;
};

export type Parsed = {
  /** The same delivery gives the same id. */
  readonly id: string;
  readonly alerts: readonly Alert[];
  /** What was deployed, where that is what it tells of. */
  readonly deployment?: Deployment | null;
  /** What somebody did in a pager about an incident of ours. */
  readonly answer?: PagerAnswer | null;
  /** Members that we raised ourselves: they are no evidence about production. */
  readonly ownCount: number;
  /** Members that the tool, or our limit, left out of this delivery. */
  readonly truncatedCount: number;
  /** Members that we could not read, beside others that we could. */
  readonly malformedCount: number;
  /** Why what was taken is no alert, such as `test` or the kind of event; null when there is nothing to say. */
  readonly note: string | null;
  /** An address of the vendor's that it wants visited before it delivers, judged by the adapter; null as a rule. */
  readonly visitUrl: string | null;
};

/** The label by which Firebreak knows an alert about itself; its value is the instance. */
export const OWN_LABEL = "firebreak_instance";

/** Keeps the vendor literal, so that the registry's keys are the paths that exist. */
export const defineWebhook = <const Vendor extends string>(
  webhook: Webhook<Vendor>,
): Webhook<Vendor> => webhook;
