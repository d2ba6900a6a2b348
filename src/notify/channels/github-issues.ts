/** GitHub Issues as tickets: each text ends in a marker, by which it is found. */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { clip } from "../../shared/clip.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, type Ask, type Asked } from "../ask.ts";
import { URL_CHARS_MAX } from "../channel.ts";
import { defineTickets, fenced, type Ticket } from "../tickets.ts";

const TITLE_CHARS_MAX = 256;
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

const issue = z.looseObject({
  number: z.int().positive(),
  body: z.string().nullish(),
  html_url: z.string().max(URL_CHARS_MAX).nullish(),
});
const ticketOf = ({ number, html_url }: z.output<typeof issue>): Ticket => ({
  key: String(number),
  url: html_url ?? null,
});
const written = z.array(z.looseObject({ body: z.string().nullish() }));

export const githubIssues = defineTickets({
  id: "github-issues",
  secret,

  tracker(given, ask, atMs) {
    const call = calling(ask, given);
    const since = new Date(atMs - LOOK_BACK_MS).toISOString();
    return {
      async find({ incidentId }) {
        const query = `?labels=${LABEL}&state=all&sort=created&direction=desc&per_page=${FOUND_MAX}`;
        const found = await call(`/issues${query}`, { method: "GET" }, z.array(issue));
        if (!found.ok) return found;
        const mine = found.value.find(({ body }) => body?.includes(marker(incidentId)));
        return ok(mine === undefined ? null : ticketOf(mine));
      },

      async open({ subject, body, link, severity, incidentId, deliveryId }) {
        const text = marked(body, incidentId, deliveryId);
        const asked = {
          title: clip(subject, TITLE_CHARS_MAX),
          body: link === null ? text : `${link}\n\n${text}`,
          labels: [LABEL, severity],
        };
        const made = await call("/issues", { body: asked }, issue);
        return made.ok ? ok({ status: 201, ...ticketOf(made.value) }) : made;
      },

      async hasArrived({ deliveryId }, number) {
        const itself = await call(`/issues/${number}`, { method: "GET" }, issue);
        if (!itself.ok) return itself;
        const query = `?since=${since}&per_page=${FOUND_MAX}`;
        const path = `/issues/${number}/comments${query}`;
        const comments = await call(path, { method: "GET" }, written);
        if (!comments.ok) return comments;
        const mark = marker(deliveryId);
        return ok([itself.value, ...comments.value].some(({ body }) => body?.includes(mark)));
      },

      comment: ({ news, body, deliveryId }, number) =>
        call(
          `/issues/${number}/comments`,
          { body: { body: marked(`${news}\n\n${body}`, deliveryId) } },
          z.unknown(),
        ),

      move: (number, state) =>
        call(`/issues/${number}`, { method: "PATCH", body: { state } }, issue),
    };
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

const marker = (id: string): string => `<!-- firebreak:${id} -->`;

/** No text from outside poses as a marker. */
const marked = (text: string, ...ids: readonly string[]): string =>
  `${fenced(text.replaceAll("<!--", "<! --"))}\n\n${ids.map(marker).join("\n")}`;
