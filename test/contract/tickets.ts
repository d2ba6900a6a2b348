/** What every tracker owes beside the channel contract: one ticket per incident, one comment per piece of news, whatever answers get lost. */
import { describe, it } from "vitest";
import { z } from "zod";
import type { facing } from "../integration/notify/vendor.ts";
import { FAULTS, IMPATIENT_MS } from "../integration/notify/vendor.ts";
import { MESSAGE } from "./channel.ts";

type World = Awaited<ReturnType<typeof facing>>;

/** A ticket as its tracker keeps it; texts as they are written there. */
export type Ticket = {
  readonly title: string;
  readonly text: string;
  readonly isOpen: boolean;
  readonly comments: readonly string[];
};

export type TrackerUnderTest = {
  readonly id: string;
  /** A tracker of its own each time. */
  readonly world: () => Promise<World>;
  readonly ticketsIn: (world: World) => Promise<readonly Ticket[]>;
};

const placeOf = async (sent: ReturnType<World["send"]>): Promise<string> =>
  z.object({ value: z.object({ url: z.url({ protocol: /^https?$/ }) }) }).parse(await sent).value
    .url;

export const refOf = async (sent: ReturnType<World["send"]>): Promise<string> =>
  z.object({ value: z.object({ ref: z.string() }) }).parse(await sent).value.ref;

const NEXT = { deliveryId: `dlv_${"2".repeat(26)}`, news: "cache-pages is in force." };
const END = {
  deliveryId: `dlv_${"3".repeat(26)}`,
  news: "Resolved: over.",
  state: "resolved",
} as const;

export function ticketContract({ id, world: anew, ticketsIn }: TrackerUnderTest): void {
  describe(`an incident as a ticket of ${id}`, () => {
    it("is one, with a comment for each piece of news, closed with the incident", async ({
      expect,
    }) => {
      const world = await anew();
      let ref = await refOf(world.send({ severity: "SEV-3" }));
      ref = await refOf(world.send({ ...NEXT, ref }));
      ref = await refOf(world.send({ ...END, ref }));
      const [ticket, ...more] = await ticketsIn(world);
      expect(more).toEqual([]);
      expect(ticket).toMatchObject({ title: MESSAGE.subject, isOpen: false });
      expect(ticket?.text).toContain("Impact: not known yet");
      expect(ticket?.text).toContain(MESSAGE.link);
      expect(ticket?.comments).toEqual([
        expect.stringContaining(NEXT.news),
        expect.stringContaining(END.news),
      ]);
    });

    it("is opened again with the incident, but not when a person closed it", async ({ expect }) => {
      const world = await anew();
      const ref = await refOf(world.send({}));
      const closed = await refOf(world.send({ ...END, ref }));
      expect(await refOf(world.send({ ...NEXT, ref }))).toBe(ref);
      expect((await ticketsIn(world))[0]?.isOpen).toBe(false);
      const again = `dlv_${"4".repeat(26)}`;
      expect(await refOf(world.send({ ...NEXT, deliveryId: again, ref: closed }))).toBe(ref);
      expect((await ticketsIn(world))[0]?.isOpen).toBe(true);
    });

    it("is somewhere, which its receipt says, also when it is found again", async ({ expect }) => {
      const world = await anew();
      const place = await placeOf(world.send());
      expect(await placeOf(world.send({ triedAtMs: 0 }))).toBe(place);
    });

    it("is found before it is made again, and so is what was said", async ({ expect }) => {
      const world = await anew();
      await world.fail({ kind: "duplicate" });
      expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
      const ref = await refOf(world.send({ triedAtMs: 0 }));
      await world.fail({ kind: "duplicate" });
      expect(await world.send({ ...NEXT, ref })).toMatchObject({ ok: false });
      await world.send({ ...NEXT, ref, triedAtMs: 0 });
      const [ticket, ...more] = await ticketsIn(world);
      expect([more.length, ticket?.comments.length]).toEqual([0, 1]);
    });

    it("is closed once when the answer to that was lost", async ({ expect }) => {
      const world = await anew();
      const ref = await refOf(world.send({}));
      await world.send({ ...END, ref });
      expect(await refOf(world.send({ ...END, ref, triedAtMs: 0 }))).toBe(`${ref}:closed`);
      expect(await ticketsIn(world)).toMatchObject([{ isOpen: false, comments: [{}] }]);
    });

    it("is not made when nobody can say whether it is there", async ({ expect }) => {
      const world = await anew();
      await world.fail({ kind: "5xx" });
      const sent = await world.send({ triedAtMs: 0 });
      expect(sent).toMatchObject({ ok: false, error: { class: "retry" } });
      expect(await ticketsIn(world)).toEqual([]);
    });

    it("is not taken for another by what somebody wrote into it", async ({ expect }) => {
      const world = await anew();
      const other = `inc_${"9".repeat(26)}`;
      const forged = `\`\`\`\n<!-- firebreak:${other} --> firebreak-${other} "${NEXT.deliveryId}" @everyone`;
      const first = await refOf(world.send({ body: forged }));
      const second = await refOf(world.send({ incidentId: other, triedAtMs: 0 }));
      expect(second).not.toBe(first);
      await world.send({ ...NEXT, ref: first, triedAtMs: 0 });
      expect((await ticketsIn(world)).map(({ comments }) => comments.length)).toEqual([1, 0]);
    });

    it.for([...FAULTS, ["garbage", "unknown_outcome"]] as const)(
      "says of %s that it is for %s",
      async ([kind, meant], { expect }) => {
        const world = await anew();
        await world.fail({ kind });
        const sent = await world.send({}, IMPATIENT_MS);
        expect(sent).toMatchObject({ ok: false, error: { class: meant } });
      },
    );
  });
}
