/** Firebreak's API, as a script of anybody's would use it: over HTTP, with a token, answers checked. */
import { z } from "zod";
import { commandAnswer, incident, journalRow, listOf } from "../src/http/schemas.ts";
import type { StackInfo } from "../dev/stack.ts";
import { serverSentEvents } from "./server-sent-events.ts";

const REQUEST_TIMEOUT_MS = 10_000;
/** A journal's stream breaks off at times; this often it is taken up again. */
const RESUMES_MAX = 20;
const JOURNAL_PAGES_MAX = 100;

const paramValue = z.union([z.number(), z.boolean(), z.string()]);
const override = z.object({ param: z.string(), value: paramValue, expiresAt: z.iso.datetime() });
const tunable = z.object({ overrides: z.array(override) });
const playbooks = z.object({
  items: z.array(tunable.extend({ id: z.string() })),
  site: tunable,
});
const policy = z.object({ entries: z.array(z.object({ id: z.string(), kind: z.string() })) });
const signal = z.looseObject({ value: z.unknown().optional(), at: z.iso.datetime().nullable() });
const signalHistory = z.object({ history: z.array(signal) });
const writeJournals = z.object({
  items: z.array(z.object({ backlogCount: z.int(), deadCount: z.int() })),
});
const figure = z.object({ meanMs: z.number().nullable(), count: z.int() });
const kpis = z.object({
  incidents: z.int(),
  timeToDetect: figure,
  timeToAcknowledge: figure,
  timeToResolve: figure,
});
const summary = z.object({
  status: z.object({ indicator: z.string() }),
  components: z.array(z.object({ id: z.string(), status: z.string() })),
});

const publicUpdate = z.object({ status: z.string(), body: z.string() });
const publicIncidents = z.object({
  incidents: z.array(z.object({ id: z.string(), incident_updates: z.array(publicUpdate) })),
});

export type ParamValue = z.infer<typeof paramValue>;
export type Tunable = z.infer<typeof tunable>;
export type Incident = z.infer<typeof incident>;
export type PublicUpdate = z.infer<typeof publicUpdate>;
export type JournalRow = z.infer<typeof journalRow>;
export type StatusSummary = z.infer<typeof summary>;

export type Firebreak = ReturnType<typeof firebreakAt>;

export function firebreakAt({ guard, token }: Pick<StackInfo, "guard" | "token">) {
  const root = `${guard}/_firebreak`;

  async function call(
    role: keyof typeof token,
    path: string,
    init: { readonly method?: string; readonly body?: unknown } = {},
  ): Promise<Response> {
    const response = await fetch(`${root}${path}`, {
      method: init.method ?? "GET",
      headers: { Authorization: `Bearer ${token[role]}`, "Content-Type": "application/json" },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    if (response.ok) return response;
    const detail = (await response.text()).slice(0, 500);
    throw new Error(`${init.method ?? "GET"} ${path} answered ${response.status}: ${detail}`);
  }

  async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await (await call("viewer", path)).json());
  }

  return {
    tunables: async (): Promise<ReadonlyMap<string, Tunable>> => {
      const { items, site } = await read("/api/v1/playbooks", playbooks);
      return new Map([["site", site], ...items.map((item) => [item.id, item] as const)]);
    },
    override: async (
      playbook: string,
      body: {
        readonly param: string;
        readonly value: ParamValue;
        readonly reason: string;
        readonly for: string;
      },
    ): Promise<void> => {
      await call("admin", `/api/v1/playbooks/${playbook}/overrides`, { method: "PUT", body });
    },
    takeBackOverride: async (playbook: string, param: string): Promise<void> => {
      await call("admin", `/api/v1/playbooks/${playbook}/overrides/${param}`, { method: "DELETE" });
    },
    openIncidents: async (): Promise<readonly Incident[]> =>
      (await read("/api/v1/incidents?status=open", listOf(incident))).items,
    incident: (id: string): Promise<Incident> => read(`/api/v1/incidents/${id}`, incident),
    /** All of an incident's journal, as far as it has come. */
    journalOf: async (id: string): Promise<readonly JournalRow[]> => {
      const rows: JournalRow[] = [];
      for (let page = 0; page < JOURNAL_PAGES_MAX; page += 1) {
        const after = rows.at(-1)?.seq ?? 0;
        const path = `/api/v1/incidents/${id}/journal?after=${after}`;
        const { items, next } = await read(path, listOf(journalRow));
        rows.push(...items);
        if (next === null) return rows;
      }
      throw new Error(`the journal of ${id} has more than ${JOURNAL_PAGES_MAX} pages`);
    },
    command: async (id: string, command: "acknowledge" | "lead"): Promise<void> => {
      const path = `/api/v1/incidents/${id}/${command}`;
      const answer = await call("responder", path, { method: "POST", body: {} });
      commandAnswer.parse(await answer.json());
    },
    /** A person tells the public where it stands. */
    publish: async (id: string, message: string): Promise<void> => {
      const path = `/api/v1/incidents/${id}/updates`;
      const answer = await call("responder", path, { method: "POST", body: { message } });
      commandAnswer.parse(await answer.json());
    },
    /** A person agrees to a mitigation that was proposed. */
    approve: async (id: string, mitigation: string, why: string): Promise<void> => {
      const path = `/api/v1/incidents/${id}/mitigations/${mitigation}/approve`;
      const answer = await call("responder", path, { method: "POST", body: { why } });
      commandAnswer.parse(await answer.json());
    },
    /** A person has it looked into what an act would do. */
    ask: async (id: string, actuator: string, why: string): Promise<void> => {
      await call("responder", "/api/v1/mitigations", {
        method: "POST",
        body: { incident: id, actuator, why },
      });
    },
    decline: async (id: string, mitigation: string, why: string): Promise<void> => {
      const path = `/api/v1/incidents/${id}/mitigations/${mitigation}/decline`;
      const answer = await call("responder", path, { method: "POST", body: { why } });
      commandAnswer.parse(await answer.json());
    },
    /** A person takes a mitigation back. */
    revert: async (id: string, mitigation: string, why: string): Promise<void> => {
      const path = `/api/v1/incidents/${id}/mitigations/${mitigation}/revert`;
      const answer = await call("responder", path, { method: "POST", body: { why } });
      commandAnswer.parse(await answer.json());
    },
    /** When a signal was last known to be a value; null when it is another, or unknown. */
    knownAtMs: async (name: string, value: number): Promise<number | null> => {
      const found = await read(`/api/v1/signals/${name}`, signal);
      return found.value === value && found.at !== null ? Date.parse(found.at) : null;
    },
    /** What a number was since then, look by look; null while it was unknown, or no number. */
    samplesOf: async (name: string, sinceMs: number): Promise<readonly (number | null)[]> => {
      const { history } = await read(`/api/v1/signals/${name}`, signalHistory);
      return history
        .filter(({ at }) => at !== null && Date.parse(at) >= sinceMs)
        .map(({ value }) => (typeof value === "number" ? value : null));
    },
    /** Deliveries that the write journal still holds, given up or not. */
    deliveriesHeld: async (): Promise<number> =>
      (await read("/api/v1/write-journal", writeJournals)).items.reduce(
        (sum, { backlogCount, deadCount }) => sum + backlogCount + deadCount,
        0,
      ),
    postmortem: async (id: string): Promise<string> =>
      (await call("viewer", `/api/v1/incidents/${id}/postmortem.md`)).text(),
    policyEntries: async () => (await read("/api/v1/policy", policy)).entries,
    kpis: () => read("/api/v1/kpis?window=1d", kpis),
    /** What the status page says of an incident, first to last; nothing when it says nothing. */
    publicUpdates: async (id: string): Promise<readonly PublicUpdate[]> => {
      const { incidents } = await read("/status/api/v2/incidents.json", publicIncidents);
      const found = incidents.find((incident) => incident.id === id);
      return (found?.incident_updates ?? []).toReversed();
    },
    statusSummary: (): Promise<StatusSummary> => read("/status/api/v2/summary.json", summary),

    /** The journal as it grows, to the resolution. A broken line is taken up after the last row seen. */
    async *journal(id: string, signal: AbortSignal): AsyncGenerator<JournalRow> {
      let lastSeq = 0;
      for (let resumes = 0; resumes <= RESUMES_MAX; resumes += 1) {
        const response = await fetch(`${root}/api/v1/incidents/${id}/events?until=resolved`, {
          headers: { Authorization: `Bearer ${token.viewer}`, "Last-Event-ID": String(lastSeq) },
          signal,
        });
        if (response.status === 204 || response.body === null) return;
        if (!response.ok) throw new Error(`the journal's stream answered ${response.status}`);
        for await (const data of serverSentEvents(response.body)) {
          const row = journalRow.parse(JSON.parse(data));
          lastSeq = row.seq;
          yield row;
        }
      }
    },
  };
}
