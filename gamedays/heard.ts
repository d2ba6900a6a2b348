/** What everybody heard of an incident, as the vendors' stand-ins have it: the pager, the chat, the tickets, the public's pages. */
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";
import { readPager, type PagerState } from "./pager.ts";

const alert = z.object({
  dedupKey: z.string(),
  status: z.string(),
  severity: z.string(),
  pages: z.int(),
});
const call = z.object({
  atMs: z.int(),
  path: z.string(),
  body: z.string(),
  status: z.int().nullable(),
});
const pagerduty = z.object({
  state: z.object({ alerts: z.array(alert) }),
  calls: z.array(call),
});

const slackMessage = z.object({
  ts: z.string(),
  thread_ts: z.string().optional(),
  text: z.string(),
  blocks: z.array(z.unknown()),
});
const slack = z.object({
  state: z.object({ messages: z.array(slackMessage) }),
  calls: z.array(call),
});

const github = z.object({
  state: z.object({
    issues: z.array(
      z.object({
        title: z.string(),
        body: z.string(),
        labels: z.array(z.string()),
        state: z.string(),
        comments: z.array(z.unknown()),
      }),
    ),
  }),
});

const statuspage = z.object({
  state: z.object({
    incidents: z.array(
      z.object({
        name: z.string(),
        status: z.string(),
        impact: z.string(),
        metadata: z.object({ firebreak: z.object({ incident: z.string() }) }),
        incident_updates: z.array(z.object({ status: z.string(), body: z.string() })),
      }),
    ),
    components: z.record(z.string(), z.string()),
  }),
});

const event = z.looseObject({
  event_action: z.string(),
  dedup_key: z.string(),
  client_url: z.string().optional(),
  payload: z.looseObject({ summary: z.string(), severity: z.string() }).optional(),
});
const posting = z.looseObject({ thread_ts: z.string().optional(), blocks: z.unknown() });

export type PageEvent = {
  readonly action: string;
  readonly summary: string;
  readonly severity: string | null;
  readonly link: string | null;
};

export type Heard = {
  readonly pager: PagerState;
  readonly paging: {
    /** Of this incident; there should be one. */
    readonly alerts: readonly z.infer<typeof alert>[];
    /** What was accepted, first to last. */
    readonly events: readonly PageEvent[];
  };
  readonly chat: {
    /** Messages of the incident that are no replies, as they were posted, blocks and buttons included. */
    readonly posted: readonly string[];
    /** All that they ever read, first to last. */
    readonly shown: readonly string[];
    /** As they read now. */
    readonly now: readonly string[];
    readonly replies: readonly string[];
  };
  readonly tickets: z.infer<typeof github>["state"]["issues"];
  /** The page elsewhere: each incident with its updates, oldest first. */
  readonly elsewhere: {
    readonly incidents: z.infer<typeof statuspage>["state"]["incidents"];
    /** Of other incidents that are open there. */
    readonly othersCount: number;
    readonly components: Readonly<Record<string, string>>;
  };
};

/** Everything of that incident since a moment. */
export async function readHeard(
  stack: Pick<StackInfo, "vendors">,
  incident: string,
  sinceMs: number,
): Promise<Heard> {
  const read = async <T>(vendor: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(await (await fetch(`${stack.vendors}/__vendor/${vendor}`)).json());
  const [pager, paging, chat, tickets, elsewhere] = await Promise.all([
    readPager(stack, sinceMs),
    read("pagerduty", pagerduty),
    read("slack", slack),
    read("github", github),
    read("statuspage", statuspage),
  ]);
  return {
    pager,
    paging: {
      alerts: paging.state.alerts.filter(({ dedupKey }) => dedupKey === incident),
      events: paging.calls.filter(({ status }) => status === 202).flatMap(eventOf(incident)),
    },
    chat: chatOf(chat, incident, sinceMs),
    tickets: tickets.state.issues.filter(({ body }) => body.includes(incident)),
    elsewhere: {
      components: elsewhere.state.components,
      othersCount: elsewhere.state.incidents.filter(
        (one) => !isAbout(incident, one) && one.status !== "resolved",
      ).length,
      incidents: elsewhere.state.incidents
        .filter((one) => isAbout(incident, one))
        .map((one) => ({ ...one, incident_updates: one.incident_updates.toReversed() })),
    },
  };
}

type Public = z.infer<typeof statuspage>["state"]["incidents"][number];
const isAbout = (incident: string, { metadata }: Public): boolean =>
  metadata.firebreak.incident === incident;

const NO_PAYLOAD = { summary: "", severity: null };

const eventOf =
  (incident: string) =>
  ({ body }: z.infer<typeof call>): readonly PageEvent[] => {
    const {
      event_action: action,
      dedup_key: key,
      payload,
      client_url: link = null,
    } = event.parse(JSON.parse(body));
    return key === incident ? [{ action, link, ...(payload ?? NO_PAYLOAD) }] : [];
  };

const POST = "/api/chat.postMessage";

function chatOf(
  { state, calls }: z.infer<typeof slack>,
  incident: string,
  sinceMs: number,
): Heard["chat"] {
  const roots = state.messages.filter(
    (one) => one.thread_ts === undefined && textOf(one).includes(incident),
  );
  const isOurs = ({ thread_ts: thread }: z.infer<typeof slackMessage>): boolean =>
    roots.some(({ ts }) => ts === thread);
  const lately = calls.filter(
    ({ atMs, body, status }) => atMs >= sinceMs && status === 200 && body.includes(incident),
  );
  const written = lately
    .filter(({ path }) => path === POST || path === "/api/chat.update")
    .map(({ path, body }) => ({ path, ...posting.parse(JSON.parse(body)) }))
    .filter(({ thread_ts: thread }) => thread === undefined);
  return {
    posted: written.filter(({ path }) => path === POST).map(textOf),
    shown: written.map(textOf),
    now: roots.map(textOf),
    replies: state.messages.filter(isOurs).map(({ text }) => text),
  };
}

const block = z.looseObject({
  text: z.looseObject({ text: z.string() }).optional(),
  elements: z
    .array(z.looseObject({ text: z.looseObject({ text: z.string() }), url: z.string().optional() }))
    .optional(),
});

/** All that somebody sees of a message: its blocks, its buttons, and where they lead. */
const textOf = ({ blocks }: { readonly blocks: unknown }): string =>
  z
    .array(block)
    .parse(blocks)
    .flatMap(({ text, elements = [] }) => [
      ...(text === undefined ? [] : [text.text]),
      ...elements.map((one) => `[${one.text.text}]${one.url === undefined ? "" : ` ${one.url}`}`),
    ])
    .join("\n\n");
