/** Silences: what is expected for a while and should wake nobody. What was done about each is in its `changes`. */
import { createRoute, z } from "@hono/zod-openapi";
import {
  MATCHER_CHARS_MAX,
  MATCHERS_MAX,
  matchesNothingSaid,
  readMatchers,
} from "../../alerts/matchers.ts";
import {
  MUTE_REASONS,
  reasonOf,
  SILENCE_AHEAD_MS_MAX,
  SILENCE_MS_MAX,
  SILENCE_MS_MIN,
  SILENCE_STATES,
  SILENCES_MAX,
  silenceState,
  type Silence,
  type SilenceRefusal,
} from "../../alerts/silences.ts";
import type { InboxAlert } from "../../alerts/inbox.ts";
import { formatDuration } from "../../shared/duration.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders, requestId } from "../idempotency.ts";
import { Problem } from "../problems.ts";
import { listOf, moment, text } from "../schemas.ts";
import { iso } from "../times.ts";
import type { FieldError } from "../validation.ts";
import { say } from "../../shared/log.ts";

const COMMENT_CHARS_MAX = 500;

const params = z.object({
  id: z.string().regex(/^sil_[0-9A-Za-z]{26}$/, "write sil_ and its 26 characters"),
});

const shown = z
  .object({
    id: z.string(),
    /** `maintenance`: it belongs to the window of that id, and is changed with it. */
    because: z.enum(MUTE_REASONS),
    state: z.enum(SILENCE_STATES),
    matchers: z.array(z.string()),
    startsAt: moment,
    endsAt: moment,
    author: z.string(),
    comment: z.string(),
    /** Alerts that it keeps quiet now. */
    mutedAlerts: z.int(),
    changes: z.array(
      z.object({ at: moment, by: z.string(), did: z.enum(["created", "replaced", "expired"]) }),
    ),
  })
  .openapi("Silence");

export const matchers = z
  .array(z.string().max(MATCHER_CHARS_MAX))
  .min(1)
  .max(MATCHERS_MAX)
  .describe('All must hold: `alertname="DiskFull"`, `!=`, `=~`, `!~`; as in Alertmanager');

const wanted = z
  .strictObject({
    matchers,
    startsAt: moment.describe("What is past is now"),
    endsAt: moment,
    comment: text.max(COMMENT_CHARS_MAX),
  })
  .openapi("SilenceRequest");

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/silences",
  tags: ["silences"],
  summary: "List silences, those that end last first; expired ones stay for five days",
  request: { query: z.object({ state: z.enum(SILENCE_STATES).optional() }) },
  responses: { 200: answers(listOf(shown), "All of them"), ...problems },
});

const create = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/silences",
  tags: ["silences"],
  summary: "Silence alerts and incidents for a while",
  request: { headers: idempotencyHeaders, body: takes(wanted) },
  responses: { 201: answers(shown, "Created"), ...problems },
});

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/silences/{id}",
  tags: ["silences"],
  summary: "Read a silence",
  request: { params },
  responses: { 200: answers(shown, "The silence"), ...problems },
});

const replace = createRoute({
  ...forRole("responder"),
  method: "put",
  path: "/api/v1/silences/{id}",
  tags: ["silences"],
  summary: "Replace what a pending or active silence says",
  request: { params, headers: idempotencyHeaders, body: takes(wanted) },
  responses: { 200: answers(shown, "As it is now"), ...problems },
});

const expire = createRoute({
  ...forRole("responder"),
  method: "delete",
  path: "/api/v1/silences/{id}",
  tags: ["silences"],
  summary: "End a silence now; what still fires is told",
  request: { params, headers: idempotencyHeaders },
  responses: { 200: answers(shown, "It has ended"), ...problems },
});

export function silenceRoutes(api: Api, deps: HttpDeps): void {
  const present = async (...silences: readonly Silence[]) => {
    const alerts = await deps.desk.alerts();
    return silences.map((silence) => presentSilence(silence, alerts, deps.now()));
  };
  const presentOne = async (silence: Silence) => {
    const [one] = await present(silence);
    if (one === undefined) throw new Problem("internal", "A silence was lost on its way.");
    return one;
  };

  api.openapi(list, async (c) => {
    const { state } = c.req.valid("query");
    const all = await deps.desk.silences();
    const found = all.filter(
      (one) => state === undefined || silenceState(one, deps.now()) === state,
    );
    return c.json({ items: await present(...found), next: null }, 200);
  });

  api.openapi(create, async (c) => {
    const id = requestId(c, "sil", deps.newId);
    const nowMs = deps.now();
    const { name: author } = c.var.caller;
    const asked = { id, author, ...termsOf(c.req.valid("json"), null, nowMs) };
    const answer = await deps.desk.silence({ ...asked, by: author, as: "new", atMs: nowMs });
    if (!answer.ok) throw refusal(answer.error, id);
    sayDone(answer.value, nowMs);
    return c.json(await presentOne(answer.value), 201);
  });

  api.openapi(read, async (c) => {
    const found = await silenceNamed(deps, c.req.valid("param").id);
    return c.json(await presentOne(found), 200);
  });

  api.openapi(replace, async (c) => {
    const { id } = c.req.valid("param");
    const before = await silenceNamed(deps, id);
    const nowMs = deps.now();
    const { name: by } = c.var.caller;
    const terms = termsOf(c.req.valid("json"), before, nowMs);
    const asked = { id, author: by, ...terms, by, as: "replacement", atMs: nowMs } as const;
    const answer = await deps.desk.silence(asked);
    if (!answer.ok) throw refusal(answer.error, id);
    sayDone(answer.value, nowMs);
    return c.json(await presentOne(answer.value), 200);
  });

  api.openapi(expire, async (c) => {
    const { id } = c.req.valid("param");
    const { name: by } = c.var.caller;
    const nowMs = deps.now();
    const ended = await deps.desk.expireSilence(id, by, nowMs);
    if (ended === null) throw missing(id);
    sayDone(ended, nowMs);
    return c.json(await presentOne(ended), 200);
  });
}

/** What a silence says, with every problem that it has. */
function termsOf(
  { matchers: texts, startsAt, endsAt, comment }: z.infer<typeof wanted>,
  before: Silence | null,
  nowMs: number,
): Pick<Silence, "matchers" | "startsAtMs" | "endsAtMs" | "comment"> {
  const givenMs = Date.parse(startsAt);
  const hasBegun = before !== null && before.startsAtMs <= nowMs;
  // What has begun has begun; and what would have begun before now begins now.
  const startsAtMs = givenMs > nowMs ? givenMs : hasBegun ? before.startsAtMs : nowMs;
  const endsAtMs = Date.parse(endsAt);
  const errors = [
    ...matcherErrors(texts),
    ...timeErrors({ startsAt, endsAt }, { startsAtMs, endsAtMs, nowMs }),
  ];
  if (errors.length > 0) {
    throw new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
      errors,
    });
  }
  return { matchers: texts, startsAtMs, endsAtMs, comment };
}

export function matcherErrors(texts: readonly string[]): readonly FieldError[] {
  const read = readMatchers(texts);
  if (!read.ok) {
    return read.error.map(([place, message]) => ({ field: `body.matchers.${place}`, message }));
  }
  if (!matchesNothingSaid(read.value)) return [];
  const message = "they hold for whatever has none of these labels";
  const allowed = "at least one matcher that does not hold for an empty value";
  return [{ field: "body.matchers", message, allowed }];
}

function timeErrors(
  { startsAt, endsAt }: { readonly startsAt: string; readonly endsAt: string },
  { startsAtMs, endsAtMs, nowMs }: Readonly<Record<"startsAtMs" | "endsAtMs" | "nowMs", number>>,
): readonly FieldError[] {
  const latestMs = nowMs + SILENCE_AHEAD_MS_MAX;
  if (startsAtMs > latestMs) {
    const message = `a silence begins within ${formatDuration(SILENCE_AHEAD_MS_MAX)}`;
    return [
      { field: "body.startsAt", value: startsAt, message, allowed: `until ${iso(latestMs)}` },
    ];
  }
  const firstMs = Math.max(startsAtMs + SILENCE_MS_MIN, nowMs + 1);
  const lastMs = startsAtMs + SILENCE_MS_MAX;
  if (endsAtMs >= firstMs && endsAtMs <= lastMs) return [];
  const message = `a silence lasts ${formatDuration(SILENCE_MS_MIN)} to ${formatDuration(SILENCE_MS_MAX)}`;
  const allowed = `${iso(firstMs)} to ${iso(lastMs)}`;
  return [{ field: "body.endsAt", value: endsAt, message, allowed }];
}

async function silenceNamed({ desk }: HttpDeps, id: string): Promise<Silence> {
  const found = (await desk.silences()).find((silence) => silence.id === id);
  if (found === undefined) throw missing(id);
  return found;
}

const missing = (id: string): Problem => new Problem("not-found", `There is no silence ${id}.`);

export function refusal(refused: SilenceRefusal, id: string): Problem {
  switch (refused) {
    case "unknown":
      return missing(id);
    case "over":
      return wrong(
        "path.id",
        "this silence has ended",
        "a pending or active silence; create another",
      );
    case "full":
      return wrong("body", `there are ${SILENCES_MAX} silences already`, "expire one first");
  }
}

const wrong = (field: string, message: string, allowed: string): Problem =>
  new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
    errors: [{ field, message, allowed }],
  });

/** To the log, what was done now: whoever asks again, not having heard the answer, did it before. */
function sayDone({ id, endsAtMs, changes }: Silence, nowMs: number): void {
  const last = changes.at(-1);
  if (last?.atMs !== nowMs) return;
  say("info", { part: "alerts", silence: last.did, id, by: last.by, endsAt: iso(endsAtMs) });
}

const presentSilence = (
  silence: Silence,
  alerts: readonly InboxAlert[],
  nowMs: number,
): z.infer<typeof shown> => ({
  id: silence.id,
  because: reasonOf(silence),
  state: silenceState(silence, nowMs),
  matchers: [...silence.matchers],
  startsAt: iso(silence.startsAtMs),
  endsAt: iso(silence.endsAtMs),
  author: silence.author,
  comment: silence.comment,
  mutedAlerts: alerts.filter(({ mutes = [] }) => mutes.some(({ by }) => by === silence.id)).length,
  changes: silence.changes.map(({ atMs, by, did }) => ({ at: iso(atMs), by, did })),
});
