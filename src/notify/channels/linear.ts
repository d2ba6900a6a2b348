/**
 * Linear as tickets. Whoever makes something there may name its id: the ticket's follows from the incident, a comment's from the
 * delivery, so that nothing is made twice.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import type { Severity } from "../../playbooks/schema.ts";
import { clip } from "../../shared/clip.ts";
import { sha256Hex } from "../../shared/ids.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, type Ask } from "../ask.ts";
import { URL_CHARS_MAX } from "../channel.ts";
import { defineTickets, fenced, type Ticket } from "../tickets.ts";

const TITLE_CHARS_MAX = 255;
const BAD_REQUEST = 400;
const PRIORITIES: Readonly<Record<Severity, number>> = {
  "SEV-1": 1,
  "SEV-2": 2,
  "SEV-3": 3,
  "SEV-4": 4,
};
/** The kind of workflow state that a ticket is moved to. */
const STATE_TYPES = { open: "unstarted", closed: "completed" } as const;

const secret = z.strictObject({
  api_key: z.string().regex(/^lin_api_\w{20,100}$/, "write a personal API key: lin_api_…"),
  team: z.uuid("write the team's id, a UUID"),
  api: apiRoot("https://api.linear.app"),
});
type Secret = z.output<typeof secret>;

const key = z.string().regex(/^[A-Z0-9]{1,20}-\d{1,10}$/);
const nodes = <T extends z.ZodType>(of: T) => z.looseObject({ nodes: z.array(of) });
const made = z.looseObject({
  identifier: key,
  url: z.string().max(URL_CHARS_MAX).nullish(),
});
const ticketOf = ({ identifier, url }: z.output<typeof made>): Ticket => ({
  key: identifier,
  url: url ?? null,
});
const done = z.looseObject({ success: z.literal(true) });

const ISSUES =
  "query($id: ID!) { issues(filter: { id: { eq: $id } }, first: 1) { nodes { identifier url } } }";
const ISSUE_CREATE =
  "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { identifier url } } }";
const COMMENTS =
  "query($id: ID!) { comments(filter: { id: { eq: $id } }, first: 1) { nodes { id } } }";
const COMMENT_CREATE =
  "mutation($input: CommentCreateInput!) { commentCreate(input: $input) { success } }";
const ISSUE = "query($id: String!) { issue(id: $id) { description state { type } } }";
const STATES =
  "query($id: String!, $type: String!) { team(id: $id) { states(filter: { type: { eq: $type } }) { nodes { id position } } } }";
const ISSUE_UPDATE =
  "mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }";

export const linear = defineTickets({
  id: "linear",
  secret,

  tracker(given, ask) {
    const call = calling(ask, given);
    const issueOf = (identifier: string) =>
      call(
        ISSUE,
        { id: identifier },
        z.looseObject({
          issue: z.looseObject({
            description: z.string().nullish(),
            state: z.looseObject({ type: z.string() }),
          }),
        }),
      );
    return {
      async find({ incidentId }) {
        const shape = z.looseObject({ issues: nodes(made) });
        const found = await call(ISSUES, { id: uuidOf(incidentId) }, shape);
        return found.ok ? ok(found.value.issues.nodes.map(ticketOf)[0] ?? null) : found;
      },

      async open({ subject, body, link, severity, incidentId, deliveryId }) {
        const text = `${fenced(body)}\n\n${deliveryId}`;
        const input = {
          id: uuidOf(incidentId),
          teamId: given.team,
          title: clip(subject, TITLE_CHARS_MAX),
          description: link === null ? text : `${link}\n\n${text}`,
          priority: PRIORITIES[severity],
        };
        const shape = z.looseObject({
          issueCreate: done.extend({ issue: made }),
        });
        const answer = await call(ISSUE_CREATE, { input }, shape);
        if (!answer.ok) return answer;
        return ok({ status: 200, ...ticketOf(answer.value.issueCreate.issue) });
      },

      async hasArrived({ deliveryId }, identifier) {
        const itself = await issueOf(identifier);
        if (!itself.ok) return itself;
        if (itself.value.issue.description?.endsWith(deliveryId) === true) return ok(true);
        const shape = z.looseObject({ comments: nodes(z.looseObject({ id: z.string() })) });
        const found = await call(COMMENTS, { id: uuidOf(deliveryId) }, shape);
        return found.ok ? ok(found.value.comments.nodes.length > 0) : found;
      },

      comment: ({ news, body, deliveryId }, identifier) =>
        call(
          COMMENT_CREATE,
          {
            input: {
              id: uuidOf(deliveryId),
              issueId: identifier,
              body: fenced(`${news}\n\n${body}`),
            },
          },
          z.looseObject({ commentCreate: done }),
        ),

      async move(identifier, to) {
        const type = STATE_TYPES[to];
        const now = await issueOf(identifier);
        if (!now.ok || now.value.issue.state.type === type) return now;
        const state = z.looseObject({ id: z.string(), position: z.number() });
        const shape = z.looseObject({ team: z.looseObject({ states: nodes(state) }) });
        const found = await call(STATES, { id: given.team, type }, shape);
        if (!found.ok) return found;
        const [first] = found.value.team.states.nodes.toSorted((a, b) => a.position - b.position);
        if (first === undefined) return refuse(`the team has no state of type ${type}`);
        const input = { stateId: first.id };
        return call(ISSUE_UPDATE, { id: identifier, input }, z.looseObject({ issueUpdate: done }));
      },
    };
  },
});

/** A UUID of version 4 that follows from an id of ours. */
export function uuidOf(id: string): string {
  const hex = sha256Hex(`linear:${id}`);
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join("-");
}

type Call = <T>(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  shape: z.ZodType<T>,
) => Promise<Result<T, Failure>>;

const answered = z.looseObject({
  data: z.unknown().optional(),
  errors: z
    .array(z.looseObject({ extensions: z.looseObject({ code: z.string().optional() }).optional() }))
    .optional(),
});

/** Linear's words for "later". */
const LATER: ReadonlySet<string> = new Set(["RATELIMITED", "INTERNAL_SERVER_ERROR"]);

/** What is wrong with a request is said in the body, with a 200 or a 400. */
const calling =
  (ask: Ask, { api_key, api }: Secret): Call =>
  async (query, variables, shape) => {
    const answer = await ask(`${api}/graphql`, {
      headers: { authorization: api_key },
      body: { query, variables },
      heard: [BAD_REQUEST],
    });
    if (!answer.ok) return answer;
    const { status, text } = answer.value;
    const read = answered.safeParse(parseJson(text));
    const [error] = read.data?.errors ?? [];
    if (error !== undefined) {
      const code = error.extensions?.code ?? "";
      // A code is a word; anything else could repeat what it was sent.
      const word = /^[A-Z_]{1,60}$/.test(code) ? code : "an error without a code";
      return err({
        class: LATER.has(code) ? "retry" : "refuse",
        detail: `Linear answered ${word}`,
      });
    }
    if (status === BAD_REQUEST) return refuse(`the receiver answered ${status}`);
    const parsed = shape.safeParse(read.data?.data);
    return parsed.success
      ? ok(parsed.data)
      : err({ class: "unknown_outcome", detail: "Linear's answer is not understood" });
  };

const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
