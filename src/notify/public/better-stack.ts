/** Better Stack's status pages: a report there that says what our incident does. It keeps nothing of ours, so that times are our marks. */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking, type Ask, type Asked } from "../ask.ts";
import {
  definePublicChannel,
  isSameTime,
  markedTime,
  unsaid,
  type PublicMessage,
} from "../public-channel.ts";

/** The newest; one that is still told of is among them. */
const REPORTS_MAX = 50;
const UPDATES_MAX = 100;
/** It knows two kinds of harm. */
const STATUSES = { minor: "degraded", major: "degraded", critical: "downtime" } as const;

const secret = z.strictObject({
  token: z.string().regex(/^[\w-]{16,100}$/, "write an API token"),
  page: z.string().regex(/^\d{1,12}$/, "write the page's id, a number in quotes"),
  /** Whether its subscribers are told. */
  notify: z.boolean().default(true),
  api: apiRoot("https://uptime.betterstack.com"),
});
type Secret = z.output<typeof secret>;

const report = z.looseObject({
  id: z.string().max(40),
  attributes: z.looseObject({ starts_at: z.string() }),
});
const update = z.looseObject({
  attributes: z.looseObject({ published_at: z.string() }),
});
const data = <T extends z.ZodType>(of: T) => z.looseObject({ data: of });

export const betterStack = definePublicChannel({
  id: "better-stack",
  secret,

  async send(message, given, reach) {
    const call = calling(asking(reach), given);
    const startsAt = markedTime(message.startedAtMs, message.incidentId);
    const known = await find(message, startsAt, call);
    if (!known.ok) return known;
    let id = known.value;
    const said = id === null ? ok([]) : await updatesOf(id, call);
    if (!said.ok) return said;
    const missing = unsaid(
      message,
      (news, place) =>
        // It was made with the first.
        (place === 0 && known.value !== null) ||
        said.value.some(({ attributes }) => isSameTime(attributes.published_at, timeOf(news))),
    );
    for (const news of missing) {
      const told = await tell(message, news, { id, startsAt, given }, call);
      if (!told.ok) return told;
      id ??= told.value.data.id;
    }
    return ok({ status: 200, ...(id === null ? {} : { ref: id }) });
  },
});

const GET: Asked = { method: "GET" };

async function find(
  { ref }: PublicMessage,
  startsAt: string,
  call: Call,
): Promise<Result<string | null, Failure>> {
  const listed = await call(`?per_page=${REPORTS_MAX}`, GET, data(z.array(report)));
  if (!listed.ok) return listed;
  const mine = listed.value.data.find(
    ({ id, attributes }) => id === ref || isSameTime(attributes.starts_at, startsAt),
  );
  return ok(mine?.id ?? null);
}

async function updatesOf(
  id: string,
  call: Call,
): Promise<Result<readonly z.infer<typeof update>[], Failure>> {
  const path = `/${id}/status-updates?per_page=${UPDATES_MAX}`;
  const read = await call(path, GET, data(z.array(update)));
  return read.ok ? ok(read.value.data) : read;
}

function tell(
  message: PublicMessage,
  news: PublicMessage["updates"][number],
  {
    id,
    startsAt,
    given,
  }: { readonly id: string | null; readonly startsAt: string; readonly given: Secret },
  call: Call,
) {
  const { components, impact, title } = message;
  const status = news.status === "resolved" ? "resolved" : STATUSES[impact];
  const said = {
    message: news.message,
    affected_resources: components.map((of) => ({ status_page_resource_id: of, status })),
    notify_subscribers: given.notify,
  };
  const body =
    id === null
      ? { ...said, title, report_type: "manual", starts_at: startsAt }
      : { ...said, published_at: timeOf(news) };
  return call(
    id === null ? "" : `/${id}/status-updates`,
    { body },
    data(z.looseObject({ id: z.string().max(40) })),
  );
}

const timeOf = ({ id, atMs }: PublicMessage["updates"][number]): string => markedTime(atMs, id);

type Call = <T>(path: string, asked: Asked, shape: z.ZodType<T>) => Promise<Result<T, Failure>>;

const calling =
  (ask: Ask, { token, page, api }: Secret): Call =>
  async (path, asked, shape) => {
    const answer = await ask(`${api}/api/v2/status-pages/${page}/status-reports${path}`, {
      ...asked,
      headers: { authorization: `Bearer ${token}` },
    });
    if (!answer.ok) return answer;
    const parsed = shape.safeParse(parseJson(answer.value.text));
    return parsed.success
      ? ok(parsed.data)
      : err({ class: "unknown_outcome", detail: "Better Stack's answer is not understood" });
  };
