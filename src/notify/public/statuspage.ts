/**
 * Atlassian Statuspage: an incident there that says what ours does. Its metadata say whose it is and what was said last, and are
 * written together with what is said, so that nothing is said twice.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import { parseJson } from "../../shared/json.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { apiRoot, asking, type Ask, type Asked } from "../ask.ts";
import { definePublicChannel, standing, unsaid, type PublicMessage } from "../public-channel.ts";

/** The newest; one that is still told of is among them. */
const INCIDENTS_MAX = 100;
/** More than a request a second, on average, is answered so. */
const ENHANCE_YOUR_CALM = 420;
const NOT_FOUND = 404;
const COMPONENT_STATUSES = {
  minor: "degraded_performance",
  major: "partial_outage",
  critical: "major_outage",
} as const;

const secret = z.strictObject({
  api_key: z.string().regex(/^[\w-]{20,100}$/, "write an API key"),
  page: z.string().regex(/^[a-z0-9]{6,20}$/, "write the page's id, such as kctbh9vrtdwd"),
  /** Whether its subscribers are told. */
  notify: z.boolean().default(true),
  api: apiRoot("https://api.statuspage.io"),
});
type Secret = z.output<typeof secret>;

const made = z.looseObject({ id: z.string().max(60) });
const mark = z.object({ incident: z.string(), said: z.string(), impact: z.string() });
const incident = made.extend({
  status: z.string(),
  /** Of those in these states no component is touched: what is planned has others. */
  impact: z.enum(["minor", "major", "critical"]).nullish().catch(null),
  metadata: z.looseObject({ firebreak: mark.optional().catch(undefined) }).nullish(),
  components: z.array(z.looseObject({ id: z.string() })).nullish(),
});
type Incident = z.infer<typeof incident>;
const OPEN: ReadonlySet<string> = new Set(["investigating", "identified", "monitoring"]);

export const statuspage = definePublicChannel({
  id: "statuspage",
  secret,

  async send(message, given, reach) {
    const call = calling(asking(reach), given);
    const path = `/incidents?limit=${INCIDENTS_MAX}`;
    const listed = await call(path, { method: "GET" }, z.array(incident));
    if (!listed.ok) return listed;
    const isMine = ({ id, metadata }: Incident): boolean =>
      id === message.ref || metadata?.firebreak?.incident === message.incidentId;
    const all = listed.value ?? [];
    const mine = all.find(isMine);
    const stands = standsThere(
      message,
      all.filter((one) => !isMine(one)),
      given,
    );
    let ref = mine?.id ?? message.ref;
    for (const said of whatToSay(message, mine)) {
      const told = await tell(call, ref, { incident: { ...stands, ...said } });
      if (!told.ok) return told;
      ref = told.value;
    }
    return ok({ status: 200, ...(ref === null ? {} : { ref }) });
  },
});

/** Each with the mark that says so. */
function whatToSay(message: PublicMessage, mine: Incident | undefined): readonly object[] {
  const { incidentId, impact, updates, status } = message;
  const known = mine?.metadata?.firebreak;
  const marked = (said: string) => ({
    metadata: { firebreak: { incident: incidentId, said, impact } },
  });
  const missing = unsaid(message, ({ id }) => id === known?.said);
  if (missing.length > 0) {
    return missing.map((news) => ({ status: news.status, body: news.message, ...marked(news.id) }));
  }
  // Nothing new was said; but it may weigh otherwise by now.
  return known?.impact === impact ? [] : [{ status, ...marked((updates.at(-1) ?? updates[0]).id) }];
}

const standsThere = (message: PublicMessage, others: readonly Incident[], { notify }: Secret) => ({
  name: message.title,
  impact_override: message.impact,
  component_ids: message.components,
  components: Object.fromEntries(
    standing(
      message,
      others
        .filter(({ status }) => OPEN.has(status))
        .map(({ impact, components }) => ({
          impact: impact ?? "minor",
          components: (components ?? []).map(({ id }) => id),
        })),
    ).map(({ id, impact }) => [id, impact === null ? "operational" : COMPONENT_STATUSES[impact]]),
  ),
  deliver_notifications: notify,
});

/** Says it to the incident there, or makes one: also where somebody deleted it. */
async function tell(
  call: Call,
  ref: string | null,
  body: Readonly<Record<string, unknown>>,
): Promise<Result<string, Failure>> {
  if (ref !== null) {
    const asked = { method: "PATCH", body, heard: [NOT_FOUND] } as const;
    const changed = await call(`/incidents/${ref}`, asked, made);
    if (!changed.ok || changed.value !== null) {
      return changed.ok ? ok(changed.value?.id ?? ref) : changed;
    }
  }
  const opened = await call("/incidents", { body }, made);
  if (!opened.ok) return opened;
  return opened.value === null ? err(NOT_UNDERSTOOD) : ok(opened.value.id);
}

/** Null: there is no such thing. */
type Call = <T>(
  path: string,
  asked: Asked,
  shape: z.ZodType<T>,
) => Promise<Result<T | null, Failure>>;

const NOT_UNDERSTOOD = {
  class: "unknown_outcome",
  detail: "Statuspage's answer is not understood",
} as const;

const calling =
  (ask: Ask, { api_key, page, api }: Secret): Call =>
  async (path, asked, shape) => {
    const answer = await ask(`${api}/v1/pages/${page}${path}`, {
      ...asked,
      headers: { authorization: `OAuth ${api_key}` },
      later: [ENHANCE_YOUR_CALM],
    });
    if (!answer.ok) return answer;
    if (answer.value.status === NOT_FOUND) return ok(null);
    const parsed = shape.safeParse(parseJson(answer.value.text));
    return parsed.success ? ok(parsed.data) : err(NOT_UNDERSTOOD);
  };
