/** Who must have been told what, as the gameday's declaration promises it, against what arrived. Pure. */
import { z } from "zod";
import { expect } from "./expectations.ts";
import type { PublicUpdate } from "./firebreak.ts";
import type { Expectation } from "./gameday.ts";
import type { Heard } from "./heard.ts";

const words = z.string().min(1);
const publicStatus = z.enum(["investigating", "identified", "monitoring", "resolved"]);

/** `told` of a gameday's declaration. What is listed comes in that order, the first first and the last last; more may come between. */
export const toldSpec = z.strictObject({
  /** What the on-call's pager hears of, by the beginnings of messages' keys. */
  pager: z.array(words).min(2),
  /** PagerDuty rings once for the incident, at this severity, and is quiet once it is over. */
  rings: z.enum(["critical", "error", "warning", "info"]),
  /** The message of the chat: what it says when it is posted, and then in place, one after the other. */
  chat: z.strictObject({ first: z.array(words).min(1), later: z.array(words).min(1) }),
  /** Which severity the ticket was made for; none where people were woken from the beginning. */
  ticket: z.enum(["none", "SEV-3", "SEV-4"]),
  /** The status page, and the one elsewhere that says the same. */
  public: z.strictObject({
    impact: z.enum(["minor", "major", "critical"]),
    says: z.array(z.strictObject({ status: publicStatus, words })).min(2),
  }),
});
export type ToldSpec = z.infer<typeof toldSpec>;

export type ToldSeen = {
  readonly incident: string | null;
  readonly heard: Heard | null;
  readonly after: { readonly publicUpdates: readonly PublicUpdate[] } | null;
};

/** Each way in which somebody must have heard of it. */
export function everybodyIsTold(
  { incident, heard, after }: ToldSeen,
  spec: ToldSpec,
): readonly Expectation[] {
  const { pager, paging, chat, elsewhere } = heard ?? NOTHING;
  return [
    pagerIsTold(pager, incident, spec),
    phoneRings(paging, incident, spec),
    chatIsTold(chat, incident, spec),
    ticketIsThere(heard?.tickets ?? null, spec),
    publicIsTold(after?.publicUpdates ?? [], spec),
    publicIsToldElsewhere(elsewhere, spec),
  ];
}

const NOTHING: Heard = {
  pager: { pages: [], refused: 0 },
  paging: { alerts: [], events: [] },
  chat: { posted: [], shown: [], now: [], replies: [] },
  tickets: [],
  elsewhere: { incidents: [], components: {}, othersCount: 0 },
};

/** Kept unless something of it is wrong; what is wrong, in words, is told beside what was seen. */
function judged(
  id: string,
  says: string,
  saw: string,
  wrong: Readonly<Record<string, boolean>>,
): Expectation {
  const found = Object.keys(wrong).filter((what) => wrong[what] === true);
  return expect(id, says, found.length === 0, [saw, ...found].join("; "));
}

/** `opened`, whatever the message is about. */
const kindOf = (message: string): string => message.split(":")[0] ?? message;

function pagerIsTold(
  heard: Heard["pager"],
  incident: string | null,
  { pager }: ToldSpec,
): Expectation {
  const pages = heard.pages.filter(({ payload }) => payload.data.incident === incident);
  const came = pages.map(({ payload }) => payload.data.message);
  // What waited a minute comes together.
  const kinds = pages.flatMap(({ payload: { data } }) =>
    (data.bundled ?? [data.message]).map(kindOf),
  );
  return judged(
    "paged",
    `the on-call's pager hears of ${pager.join(", ")}: signed, each message once`,
    kinds.join(", ") || "no page",
    {
      "NOT in that order": !isTold(kinds, pager, isSame),
      "one is there twice": new Set(came).size < came.length,
      "one came twice": pages.some(({ deliveries }) => deliveries !== 1),
      "one was refused": heard.refused > 0,
    },
  );
}

function phoneRings(
  { alerts, events }: Heard["paging"],
  incident: string | null,
  { rings }: ToldSpec,
): Expectation {
  const [first] = events;
  const link = first?.link ?? "no link";
  return judged(
    "rung",
    `PagerDuty rings once, ${rings}, says where to look, and is quiet once it is over`,
    alerts.length === 0 ? "no alert" : `${first?.summary}, ${link}`,
    {
      "NOT one alert": alerts.length !== 1,
      "NOT rung once": alerts.some(({ pages }) => pages !== 1),
      [`at first ${first?.action}, ${first?.severity}`]:
        first?.action !== "trigger" || first.severity !== rings,
      "no link to it": !isLinkTo(link, incident),
      "it rings on": alerts.some(({ status }) => status !== "resolved"),
      "NOT ended last": events.at(-1)?.action !== "resolve",
    },
  );
}

const isLinkTo = (word: string, incident: string | null): boolean =>
  word.startsWith("http") && incident !== null && word.includes(incident);

/** Whatever it is about: what was done, and what is asked, beginning with an answer. */
const FIRST = ["What was done:", "What is asked of you:\n- Acknowledge by", "[Resolve]"];

function chatIsTold(
  { posted, shown, now, replies }: Heard["chat"],
  incident: string | null,
  { chat }: ToldSpec,
): Expectation {
  const [first = ""] = posted;
  const missing = [...chat.first, ...FIRST].find((one) => !first.includes(one));
  const unsaid = firstUnsaid(shown, chat.later);
  return judged(
    "chat",
    "the chat has one message of it: what is wrong, what was done, what is asked and where to look; kept current in place, with news below",
    `${posted.length} posted, said anew ${Math.max(0, shown.length - 1)} times, ${replies.length} replies`,
    {
      "NOT one message": posted.length !== 1 || now.length !== 1,
      "NOT as it was last written": now[0] !== shown.at(-1),
      "no news below": replies.length === 0,
      "no link to it": !first.split(/\s/).some((word) => isLinkTo(word, incident)),
      [`at first not: ${missing}`]: missing !== undefined,
      [`later never, or too early: ${unsaid}`]: unsaid !== null,
    },
  );
}

/** Of what is to be shown one after the other; null when all was. Two may be in one. */
function firstUnsaid(shown: readonly string[], wanted: readonly string[]): string | null {
  let from = 0;
  for (const one of wanted) {
    const at = shown.findIndex((text, index) => index >= from && text.includes(one));
    if (at === -1) return one;
    from = at;
  }
  return null;
}

const NO_TICKET = "none";

/** `tickets` is null when nobody could read them. */
function ticketIsThere(tickets: Heard["tickets"] | null, { ticket }: ToldSpec): Expectation {
  const all = tickets ?? [];
  const saw = all.map(({ title, labels, state }) => `${title} (${labels.join(", ")}), ${state}`);
  if (ticket === NO_TICKET) {
    return judged(
      "ticket",
      "no ticket is made of what wakes people from the beginning",
      saw.join("; ") || "no ticket",
      { "not read": tickets === null, "a ticket": all.length > 0 },
    );
  }
  return judged(
    "ticket",
    `one ticket is made of it, ${ticket}, told of the news, and closed with it`,
    saw.join("; ") || "no ticket",
    {
      "NOT one": all.length !== 1,
      "of another severity": all.some(({ labels }) => !labels.includes(ticket)),
      "still open": all.some(({ state }) => state !== "closed"),
      "no news": all.some(({ comments }) => comments.length === 0),
    },
  );
}

const publicIsTold = (
  updates: readonly PublicUpdate[],
  { public: { says } }: ToldSpec,
): Expectation =>
  judged(
    "public",
    "the status page tells of the incident from its beginning to its end, in the playbook's words",
    textOf(updates),
    publicWrongs(updates, says),
  );

function publicIsToldElsewhere(
  { incidents, components, othersCount }: Heard["elsewhere"],
  { public: { says, impact } }: ToldSpec,
): Expectation {
  const updates = incidents.flatMap(({ incident_updates: told }) => told);
  const stands = Object.values(components);
  return judged(
    "elsewhere",
    `the page elsewhere says the same, ${impact}, and is green again unless there is more`,
    `${textOf(updates)}; then ${stands.join(", ")}`,
    {
      "NOT one incident": incidents.length !== 1,
      "NOT that impact": incidents.some((one) => one.impact !== impact),
      "NOT told of components": stands.length === 0,
      "NOT green": othersCount === 0 && stands.some((status) => status !== "operational"),
      ...publicWrongs(updates, says),
    },
  );
}

type Says = ToldSpec["public"]["says"];

/** From the first to the last, and nothing twice in a row. */
const publicWrongs = (
  updates: readonly PublicUpdate[],
  says: Says,
): Readonly<Record<string, boolean>> => ({
  [`NOT ${says.map(({ status }) => status).join(", ")}, in those words`]: !isTold(
    updates,
    says,
    (update, one) => update.status === one.status && update.body.includes(one.words),
  ),
  "said twice": updates.some(({ status, body }, index) => {
    const next = updates[index + 1];
    return status === next?.status && body === next.body;
  }),
});

const textOf = (updates: readonly PublicUpdate[]): string =>
  updates.map(({ status, body }) => `${status} "${body}"`).join(", ") || "nothing";

const isSame = (came: string, wanted: string): boolean => came === wanted;

/** All that was wanted came in that order, the first first and the last last. */
function isTold<Came, Wanted>(
  came: readonly Came[],
  wanted: readonly Wanted[],
  is: (came: Came, wanted: Wanted) => boolean,
): boolean {
  let next = 0;
  for (const one of came) {
    const expected = wanted[next];
    if (expected !== undefined && is(one, expected)) next += 1;
  }
  const isAt = (index: number): boolean => {
    const [one, other] = [came.at(index), wanted.at(index)];
    return one !== undefined && other !== undefined && is(one, other);
  };
  return next === wanted.length && isAt(0) && isAt(-1);
}
