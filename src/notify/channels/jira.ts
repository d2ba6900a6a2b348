/** Jira Cloud as tickets: a label says whose incident it is, and each text ends in the delivery's id. */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { clip } from "../../shared/clip.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { httpsAddress, type Ask, type Asked } from "../ask.ts";
import { defineTickets, type Ticket } from "../tickets.ts";

const SUMMARY_CHARS_MAX = 255;
const COMMENTS_MAX = 100;
/** The search does not know at once what was made, and nothing makes it (JRACLOUD-96208): before this it is no proof that nothing was. */
const SEARCH_LAG_MS_MAX = 60_000;
/** The category of status that a ticket is moved to. */
const CATEGORIES = { open: "new", closed: "done" } as const;

const secret = z.strictObject({
  /** Of the account that writes. */
  email: z.email().max(254),
  token: z.string().regex(/^[\w=.-]{20,300}$/, "write an API token"),
  /** The site, such as https://shop.atlassian.net. */
  site: httpsAddress.transform((url) => url.replace(/\/+$/, "")),
  project: z.string().regex(/^[A-Z][A-Z0-9_]{1,9}$/, "write a project's key, such as OPS"),
  issue_type: z.string().min(1).max(60).default("Task"),
});
type Secret = z.output<typeof secret>;

const key = z.string().regex(/^[A-Z][A-Z0-9_]{1,9}-\d{1,10}$/);
const category = z.looseObject({ statusCategory: z.looseObject({ key: z.string() }) });
/** Atlassian's document format is searched as it is written. */
const text = z.unknown().transform((document) => JSON.stringify(document ?? ""));

export const jira = defineTickets({
  id: "jira",
  secret,

  tracker(given, ask, atMs) {
    const call = calling(ask, given);
    return {
      async find({ incidentId, triedAtMs }) {
        const jql = `project = "${given.project}" AND labels = "${labelOf(incidentId)}"`;
        const asked = { body: { jql, fields: ["labels"], maxResults: 1 } };
        const shape = z.looseObject({ issues: z.array(z.looseObject({ key })) });
        const found = await call("/search/jql", asked, shape);
        if (!found.ok) return found;
        const [issue] = found.value.issues;
        if (issue !== undefined) return ok(ticketOf(issue.key, given));
        const afterMs = (triedAtMs ?? 0) + SEARCH_LAG_MS_MAX - atMs;
        if (afterMs <= 0) return ok(null);
        return err({ class: "retry", detail: "Jira's search may not know of it yet", afterMs });
      },

      async open({ subject, body, link, severity, incidentId, deliveryId }) {
        const fields = {
          project: { key: given.project },
          issuetype: { name: given.issue_type },
          summary: clip(subject, SUMMARY_CHARS_MAX),
          description: documentOf(body, deliveryId, link),
          labels: ["firebreak", severity, labelOf(incidentId)],
        };
        const made = await call("/issue", { body: { fields } }, z.looseObject({ key }));
        return made.ok ? ok({ status: 201, ...ticketOf(made.value.key, given) }) : made;
      },

      async hasArrived({ deliveryId }, issue) {
        const described = z.looseObject({ fields: z.looseObject({ description: text }) });
        const itself = await call(`/issue/${issue}?fields=description`, GET, described);
        if (!itself.ok) return itself;
        const query = `?orderBy=-created&maxResults=${COMMENTS_MAX}`;
        const shape = z.looseObject({ comments: z.array(z.looseObject({ body: text })) });
        const found = await call(`/issue/${issue}/comment${query}`, GET, shape);
        if (!found.ok) return found;
        const texts = [
          itself.value.fields.description,
          ...found.value.comments.map(({ body }) => body),
        ];
        return ok(texts.some((written) => written.includes(`"${deliveryId}"`)));
      },

      comment: ({ news, body, deliveryId }, issue) =>
        call(
          `/issue/${issue}/comment`,
          { body: { body: documentOf(`${news}\n\n${body}`, deliveryId, null) } },
          z.unknown(),
        ),

      async move(issue, to) {
        const wanted = CATEGORIES[to];
        const shape = z.looseObject({ fields: z.looseObject({ status: category }) });
        const now = await call(`/issue/${issue}?fields=status`, GET, shape);
        if (!now.ok || now.value.fields.status.statusCategory.key === wanted) return now;
        const transition = z.looseObject({ id: z.string().max(40), to: category });
        const ways = z.looseObject({ transitions: z.array(transition) });
        const found = await call(`/issue/${issue}/transitions`, GET, ways);
        if (!found.ok) return found;
        const way = found.value.transitions.find(
          ({ to: next }) => next.statusCategory.key === wanted,
        );
        if (way === undefined) {
          return err({
            class: "refuse",
            detail: `the workflow has no way to ${wanted} from there`,
          });
        }
        const asked = { body: { transition: { id: way.id } }, isBlind: true };
        return call(`/issue/${issue}/transitions`, asked, z.unknown());
      },
    };
  },
});

const GET: Asked = { method: "GET" };

const ticketOf = (issue: string, { site }: Secret): Ticket => ({
  key: issue,
  url: `${site}/browse/${issue}`,
});

/** Labels have no spaces. */
const labelOf = (incidentId: string): string => `firebreak-${incidentId}`;

/** In a block of code nothing is a link, a mention or a heading; and the last paragraph is ours alone. */
const documentOf = (words: string, deliveryId: string, link: string | null) => ({
  type: "doc",
  version: 1,
  content: [
    ...(link === null ? [] : [paragraph(link, [{ type: "link", attrs: { href: link } }])]),
    {
      type: "codeBlock",
      attrs: { language: "text" },
      content: [{ type: "text", text: words }],
    },
    paragraph(deliveryId),
  ],
});

const paragraph = (words: string, marks: readonly object[] = []) => ({
  type: "paragraph",
  content: [{ type: "text", text: words, ...(marks.length === 0 ? {} : { marks }) }],
});

type Call = <T>(path: string, asked: Asked, shape: z.ZodType<T>) => Promise<Result<T, Failure>>;

const calling =
  (ask: Ask, { email, token, site }: Secret): Call =>
  async (path, asked, shape) => {
    const answer = await ask(`${site}/rest/api/3${path}`, {
      ...asked,
      headers: { accept: "application/json", authorization: `Basic ${btoa(`${email}:${token}`)}` },
    });
    if (!answer.ok) return answer;
    const parsed = shape.safeParse(parseJson(answer.value.text));
    return parsed.success
      ? ok(parsed.data)
      : err({ class: "unknown_outcome", detail: "Jira's answer is not understood" });
  };
