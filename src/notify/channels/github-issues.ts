/**
 * GitHub Issues: one issue per incident, a comment for each piece of news, closed with the incident. GitHub has no
 * idempotency key, so each text ends in a marker that is looked for before the text is written again.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { clip } from "../../shared/clip.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking, type Ask, type Asked } from "../ask.ts";
import { defineChannel, type ChannelMessage, type Receipt } from "../channel.ts";

const TITLE_CHARS_MAX = 256;
const CLOSED = "closed";
/** The label that makes an incident's issue findable; GitHub makes it on first use. */
const LABEL = "firebreak";
const FOUND_MAX = 100;
/** As far back as the outbox tries one message, and a little more. */
const LOOK_BACK_MS = 35 * 60_000;

const secret = z.strictObject({
  token: z.string().regex(/^[\w-]{20,255}$/, "write a token that may write issues"),
  repository: z.string().regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, "write owner/name"),
  api: apiRoot("https://api.github.com"),
});
type Secret = z.output<typeof secret>;

const issue = z.looseObject({ number: z.int().positive(), body: z.string().nullish() });
const written = z.array(z.looseObject({ body: z.string().nullish() }));

export const githubIssues = defineChannel({
  id: "github-issues",
  secret,

  async send(message, given, reach) {
    const call = calling(asking(reach), given);
    const since = new Date(reach.atMs - LOOK_BACK_MS).toISOString();
    const known = message.ref === null ? await find(message, call) : ok(message.ref);
    if (!known.ok) return known;
    if (known.value === null) return open(message, call);
    const [number = "", wasClosed] = known.value.split(":");
    const told = await comment(message, { number, since }, call);
    if (!told.ok) return told;
    const isOver = message.state === "resolved";
    // Whoever closes it by hand is left alone; what ended and began again is opened.
    if (isOver || wasClosed !== undefined) {
      const state = isOver ? "closed" : "open";
      const set = await call(`/issues/${number}`, { method: "PATCH", body: { state } }, issue);
      if (!set.ok) return set;
    }
    return ok({ status: 200, ref: isOver ? `${number}:${CLOSED}` : number });
  },
});

type Call = <T>(path: string, asked: Asked, shape: z.ZodType<T>) => Promise<Result<T, Failure>>;

const calling =
  (ask: Ask, { token, repository, api }: Secret): Call =>
  async (path, asked, shape) => {
    const answer = await ask(`${api}/repos/${repository}${path}`, {
      ...asked,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${token}`,
        "x-github-api-version": "2022-11-28",
      },
    });
    if (!answer.ok) return answer;
    const parsed = shape.safeParse(parseJson(answer.value.text));
    return parsed.success
      ? ok(parsed.data)
      : err({ class: "unknown_outcome", detail: "GitHub's answer is not understood" });
  };

/** The incident's issue, should an attempt that nobody heard of again have made it. */
async function find(message: ChannelMessage, call: Call): Promise<Result<string | null, Failure>> {
  if (!message.isRepeat) return ok(null);
  const query = `?labels=${LABEL}&state=all&sort=created&direction=desc&per_page=${FOUND_MAX}`;
  const found = await call(`/issues${query}`, { method: "GET" }, z.array(issue));
  if (!found.ok) return found;
  const mine = found.value.find(({ body }) => body?.includes(marker(message.incidentId)));
  return ok(mine === undefined ? null : String(mine.number));
}

async function open(message: ChannelMessage, call: Call): Promise<Result<Receipt, Failure>> {
  const body = marked(message.body, message.incidentId, message.deliveryId);
  const link = message.link === null ? "" : `${message.link}\n\n`;
  const made = await call(
    "/issues",
    {
      body: {
        title: clip(message.subject, TITLE_CHARS_MAX),
        body: `${link}${body}`,
        labels: [LABEL, message.severity],
      },
    },
    issue,
  );
  return made.ok ? ok({ status: 201, ref: String(made.value.number) }) : made;
}

async function comment(
  message: ChannelMessage,
  place: { readonly number: string; readonly since: string },
  call: Call,
): Promise<Result<unknown, Failure>> {
  const isThere = await hasArrived(message, place, call);
  if (!isThere.ok || isThere.value) return isThere;
  const body = marked(`${message.news}\n\n${message.body}`, message.deliveryId);
  return call(`/issues/${place.number}/comments`, { body: { body } }, z.unknown());
}

/** Only what was begun before can have arrived: as a comment, or as the issue itself. */
async function hasArrived(
  { deliveryId, isRepeat }: ChannelMessage,
  { number, since }: { readonly number: string; readonly since: string },
  call: Call,
): Promise<Result<boolean, Failure>> {
  if (!isRepeat) return ok(false);
  const itself = await call(`/issues/${number}`, { method: "GET" }, issue);
  if (!itself.ok) return itself;
  const query = `?since=${since}&per_page=${FOUND_MAX}`;
  const comments = await call(`/issues/${number}/comments${query}`, { method: "GET" }, written);
  if (!comments.ok) return comments;
  const mark = marker(deliveryId);
  return ok([itself.value, ...comments.value].some(({ body }) => body?.includes(mark)));
}

const marker = (id: string): string => `<!-- firebreak:${id} -->`;

const marked = (text: string, ...ids: readonly string[]): string =>
  `${fenced(text)}\n\n${ids.map(marker).join("\n")}`;

/** In a fence longer than any inside, no text from outside mentions anybody; and none poses as a marker. */
function fenced(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}text\n${text.replaceAll("<!--", "<! --")}\n${fence}`;
}
