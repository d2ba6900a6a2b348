/** What every public channel owes: what is said there is what our page says, once, from wherever a lost attempt left it. */
import { describe, it } from "vitest";
import { startVendors } from "../../dev/vendors.ts";
import type { Fault, Vendor } from "../../dev/vendors/vendor.ts";
import { z } from "zod";
import type { PublicChannel, PublicMessage } from "../../src/notify/public-channel.ts";
import { deadUrl } from "../support/http-receiver.ts";
import { keep } from "../support/servers.ts";
import { FAULTS, IMPATIENT_MS } from "../integration/notify/vendor.ts";

const INCIDENT_ID = "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4";
const AT_MS = Date.UTC(2026, 10, 23, 14, 2, 11, 250);
const news = (seq: number, status: PublicMessage["status"], message: string) => ({
  id: `${INCIDENT_ID}-${seq}`,
  atMs: AT_MS + seq * 1_000,
  status,
  message,
});

export const FIRST = news(1, "investigating", "The shop is down for everybody.");
export const SECOND = news(9, "identified", "We are taking measures against it.");
export const END = news(20, "resolved", "It is over.");

export const PUBLIC: PublicMessage = {
  incidentId: INCIDENT_ID,
  title: "Website: major outage",
  status: "investigating",
  impact: "critical",
  startedAtMs: AT_MS,
  updates: [FIRST],
  components: ["5551"],
  mail: { subject: "Shop Service Disruption", body: "We are working on it." },
  ref: null,
};

/** What can be read there: of each incident what was said, oldest first, and how the component 5551 stands. */
export type Read = { readonly said: readonly string[]; readonly isOver: boolean };

export type PublicChannelUnderTest = {
  readonly channel: PublicChannel;
  readonly vendor: () => Vendor;
  readonly secretFor: (url: string) => { readonly secret: unknown; readonly hidden: string[] };
  readonly read: (state: unknown) => readonly Read[];
  /** How much of what our page says is said there; all of it where it is not given. */
  readonly said?: (messages: readonly string[]) => readonly string[];
};

const seen = z.object({ state: z.unknown(), calls: z.array(z.object({ method: z.string() })) });

/** One public channel facing the stand-in of its vendor. */
export async function facingPublic({
  channel,
  vendor,
  secretFor,
}: Pick<PublicChannelUnderTest, "channel" | "vendor" | "secretFor">) {
  const standIn = vendor();
  const { url } = keep(await startVendors({ vendors: [standIn] }));
  const control = `${url}/__vendor/${standIn.name}`;
  const { secret, hidden } = secretFor(`${url}/${standIn.name}`);
  const look = async () => seen.parse(await (await fetch(control)).json());
  return {
    hidden,
    send: (over: Partial<PublicMessage> = {}, deadlineMs = 5_000) =>
      channel.deliver({ ...PUBLIC, ...over }, secret, {
        fetch: (to, init) => fetch(to, init),
        atMs: Date.now(),
        deadlineMs,
      }),
    fail: (given: Partial<Fault> & Pick<Fault, "kind">) =>
      fetch(control, { method: "POST", body: JSON.stringify(given) }),
    set: (state: unknown) => fetch(control, { method: "PUT", body: JSON.stringify(state) }),
    state: async () => (await look()).state,
    writes: async () => (await look()).calls.filter(({ method }) => method !== "GET").length,
  };
}

export const refIn = (sent: unknown): string =>
  z.object({ value: z.object({ ref: z.string() }) }).parse(sent).value.ref;

export function publicChannelContract(given: PublicChannelUnderTest): void {
  const { channel, secretFor, read, said = (messages) => messages } = given;
  const anew = () => facingPublic(given);

  describe(`the contract of public channels, kept by ${channel.id}`, () => {
    it("says each thing once, however often it is told", async ({ expect }) => {
      const world = await anew();
      const ref = refIn(await world.send());
      await world.send({ ref });
      await world.send({ ref, status: "identified", updates: [FIRST, SECOND] });
      await world.send({ ref, status: "identified", updates: [FIRST, SECOND] });
      const end = { ref, status: "resolved", updates: [FIRST, SECOND, END] } as const;
      await world.send(end);
      const writes = await world.writes();
      await world.send(end);
      expect(await world.writes()).toBe(writes);
      expect(read(await world.state())).toEqual([
        { said: said([FIRST, SECOND, END].map(({ message }) => message)), isOver: true },
      ]);
    });

    it("comes to the same when every answer is lost once", async ({ expect }) => {
      const world = await anew();
      for (const over of [
        {},
        { status: "identified", updates: [FIRST, SECOND] },
        { status: "resolved", updates: [FIRST, SECOND, END] },
      ] as const) {
        await world.fail({ kind: "duplicate", method: "WRITE" });
        await world.send(over);
        // Whoever asked does not know what it is called there.
        expect(await world.send(over)).toMatchObject({ ok: true });
      }
      expect(read(await world.state())).toEqual([
        { said: said([FIRST, SECOND, END].map(({ message }) => message)), isOver: true },
      ]);
    });

    it("says late what it was not there for, in order", async ({ expect }) => {
      const world = await anew();
      await world.send({ status: "identified", updates: [FIRST, SECOND] });
      expect(read(await world.state())[0]?.said).toEqual(
        said([FIRST, SECOND].map(({ message }) => message)),
      );
    });

    it("is not made when nobody can say whether it is there", async ({ expect }) => {
      const world = await anew();
      await world.fail({ kind: "5xx", method: "GET" });
      expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
      expect(read(await world.state())).toEqual([]);
    });

    it("tells two incidents apart that began at once", async ({ expect }) => {
      const world = await anew();
      const other = `inc_${"9".repeat(26)}`;
      await world.send();
      await world.send({ incidentId: other, updates: [{ ...FIRST, id: `${other}-1` }] });
      expect(read(await world.state())).toHaveLength(2);
    });

    it.for([...FAULTS, ["garbage", "unknown_outcome"]] as const)(
      "says of %s that it is for %s",
      async ([kind, meant], { expect }) => {
        const world = await anew();
        await world.fail({ kind });
        const sent = await world.send({}, IMPATIENT_MS);
        expect(sent).toMatchObject({ ok: false, error: { class: meant } });
        for (const text of world.hidden) expect(JSON.stringify(sent)).not.toContain(text);
      },
    );

    it.for([null, "text", {}, { api: "http://hidden.example/token" }])(
      "refuses the secret %j and calls nobody",
      async (secret, { expect }) => {
        let calls = 0;
        const reach = {
          fetch: async () => {
            calls += 1;
            return new Response();
          },
          atMs: AT_MS,
          deadlineMs: 1_000,
        };
        const sent = await channel.deliver(PUBLIC, secret, reach);
        expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
        expect(JSON.stringify(sent)).not.toContain("hidden.example");
        expect(calls).toBe(0);
      },
    );

    it("may be tried again when nobody listens", async ({ expect }) => {
      const { secret } = secretFor(await deadUrl());
      const reach = { fetch, atMs: AT_MS, deadlineMs: 1_000 };
      const sent = await channel.deliver(PUBLIC, secret, reach);
      expect(sent).toMatchObject({ ok: false, error: { class: "retry" } });
    });
  });
}
