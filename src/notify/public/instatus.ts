/** Instatus: an incident there that says what ours does. It keeps nothing of ours, so that times are our marks. */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { worstOf, type Impact } from "../../status-page/view.ts";
import { apiRoot, asking, type Ask, type Asked } from "../ask.ts";
import type { Receipt } from "../channel.ts";
import {
  definePublicChannel,
  isSameTime,
  markedTime,
  standing,
  unsaid,
  type PublicMessage,
} from "../public-channel.ts";

/** The newest; one that is still told of is among them. */
const INCIDENTS_MAX = 100;
const COMPONENT_STATUSES = {
  minor: "DEGRADEDPERFORMANCE",
  major: "PARTIALOUTAGE",
  critical: "MAJOROUTAGE",
} as const;
const WELL = "OPERATIONAL";
const RESOLVED = "RESOLVED";

const secret = z.strictObject({
  api_key: z.string().regex(/^[\w-]{20,100}$/, "write an API key"),
  page: z.string().regex(/^[a-z0-9]{10,40}$/, "write the page's id"),
  /** Whether its subscribers are told. */
  notify: z.boolean().default(true),
  api: apiRoot("https://api.instatus.com"),
});
type Secret = z.output<typeof secret>;

const made = z.looseObject({ id: z.string().max(60) });
const incident = made.extend({
  status: z.string(),
  started: z.string(),
  components: z.array(z.looseObject({ id: z.string(), status: z.string() })).default([]),
  updates: z.array(z.looseObject({ started: z.string() })).default([]),
});
type Incident = z.infer<typeof incident>;

export const instatus = definePublicChannel({
  id: "instatus",
  secret,

  async send(message, given, reach) {
    const call = calling(asking(reach), given);
    const query = `?page=1&per_page=${INCIDENTS_MAX}`;
    const listed = await call(`/incidents${query}`, { method: "GET" }, z.array(incident));
    if (!listed.ok) return listed;
    const started = markedTime(message.startedAtMs, message.incidentId);
    const mine = listed.value.find(
      (one) => one.id === message.ref || isSameTime(one.started, started),
    );
    const others = listed.value.filter((one) => one !== mine);
    const stands = standsThere(message, others, given);
    const missing = unsaid(
      message,
      (news, place) =>
        // It was made with the first.
        (place === 0 && mine !== undefined) ||
        (mine?.updates ?? []).some((one) => isSameTime(one.started, timeOf(news))),
    );
    if (missing.length === 0) return weigh(mine, stands.statuses, call);
    let id = mine?.id;
    for (const news of missing) {
      const said = { ...stands, message: news.message, status: news.status.toUpperCase() };
      const [path, body] =
        id === undefined
          ? ["/incidents", { ...said, name: message.title, started }]
          : [`/incidents/${id}/incident-updates`, { ...said, started: timeOf(news) }];
      const told = await call(path, { body }, made);
      if (!told.ok) return told;
      id ??= told.value.id;
    }
    return receipt(id);
  },
});

const receipt = (id: string | undefined): Result<Receipt, Failure> =>
  ok({ status: 200, ...(id === undefined ? {} : { ref: id }) });

/** Nothing new was said; but it may weigh otherwise by now. */
async function weigh(
  mine: Incident | undefined,
  statuses: readonly { readonly id: string; readonly status: string }[],
  call: Call,
): Promise<Result<Receipt, Failure>> {
  for (const { id, status } of statuses) {
    const is = mine?.components.find((one) => one.id === id)?.status;
    if (is === status) continue;
    const set = await call(`/components/${id}`, { method: "PUT", body: { status } }, z.unknown());
    if (!set.ok) return set;
  }
  return receipt(mine?.id);
}

const timeOf = ({ id, atMs }: PublicMessage["updates"][number]): string => markedTime(atMs, id);

const standsThere = (message: PublicMessage, others: readonly Incident[], { notify }: Secret) => ({
  components: message.components,
  notify,
  statuses: standing(
    message,
    others
      .filter(({ status }) => status !== RESOLVED)
      .map(({ components }) => ({
        impact: worstOf(components.flatMap(({ status }) => impactOf(status))) ?? "minor",
        components: components.map(({ id }) => id),
      })),
  ).map(({ id, impact }) => ({ id, status: impact === null ? WELL : COMPONENT_STATUSES[impact] })),
});

const impactOf = (status: string): readonly { readonly impact: Impact }[] =>
  (["critical", "major", "minor"] as const)
    .filter((impact) => COMPONENT_STATUSES[impact] === status)
    .map((impact) => ({ impact }));

type Call = <T>(path: string, asked: Asked, shape: z.ZodType<T>) => Promise<Result<T, Failure>>;

const calling =
  (ask: Ask, { api_key, page, api }: Secret): Call =>
  async (path, asked, shape) => {
    const answer = await ask(`${api}/v1/${page}${path}`, {
      ...asked,
      headers: { authorization: `Bearer ${api_key}` },
    });
    if (!answer.ok) return answer;
    const parsed = shape.safeParse(parseJson(answer.value.text));
    return parsed.success
      ? ok(parsed.data)
      : err({ class: "unknown_outcome", detail: "Instatus's answer is not understood" });
  };
