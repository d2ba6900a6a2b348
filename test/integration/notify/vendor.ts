/** One channel and the stand-in for its other side, over HTTP on loopback, as a test drives them. */
import { z } from "zod";
import { startVendors } from "../../../dev/vendors.ts";
import type { Fault, Vendor } from "../../../dev/vendors/vendor.ts";
import type { Channel, ChannelMessage } from "../../../src/notify/channel.ts";
import { MESSAGE } from "../../contract/channel.ts";
import { keep } from "../../support/servers.ts";

const seen = z.object({
  state: z.unknown(),
  calls: z.array(
    z.object({
      method: z.string(),
      path: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.string(),
      status: z.number().nullable(),
    }),
  ),
});

/** Whom the tests' site knows: one in each chat, and one in none. */
export const PEOPLE = [
  { id: "ada", slack: "U0000000ADA", discord: "110000000000000009" },
  { id: "grace", slack: "U000000GRACE", discord: "110000000000000010" },
  { id: "bob" },
] as const;

/** `secretFor` gets the address that the vendor answers under. */
export async function facing(
  channel: Channel,
  vendor: Vendor,
  secretFor: (url: string) => unknown,
) {
  const { url } = keep(await startVendors({ vendors: [vendor] }));
  const control = `${url}/__vendor/${vendor.name}`;
  const secret = secretFor(`${url}/${vendor.name}`);
  return {
    url: `${url}/${vendor.name}`,
    /** Sends `MESSAGE` as changed, once. */
    send: (over: Partial<ChannelMessage> = {}, deadlineMs = 5_000) =>
      channel.deliver({ ...MESSAGE, ...over }, secret, {
        fetch: (to, init) => fetch(to, init),
        people: PEOPLE,
        atMs: Date.now(),
        deadlineMs,
      }),
    fail: (given: Partial<Fault> & Pick<Fault, "kind">): Promise<Response> =>
      fetch(control, { method: "POST", body: JSON.stringify(given) }),
    set: (state: unknown): Promise<Response> =>
      fetch(control, { method: "PUT", body: JSON.stringify(state) }),
    seen: async () => seen.parse(await (await fetch(control)).json()),
  };
}

/** What every channel says when its other side fails so. */
export const FAULTS = [
  ["429", "retry"],
  ["5xx", "retry"],
  ["timeout", "retry"],
  ["403", "refuse"],
] as const;
/** Long enough for a call on loopback, short enough to wait for. */
export const IMPATIENT_MS = 300;
