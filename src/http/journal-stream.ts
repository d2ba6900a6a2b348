/** An incident's journal as server-sent events: `id` is the row's seq, so a client that lost the line resumes without a gap. */
import type { Context } from "hono";
import type { IncidentApi } from "../incidents/incident-api.ts";
import type { JournalRow } from "../incidents/journal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { HttpEnv } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { presentRow } from "./present.ts";
import { Problem } from "./problems.ts";

/** Silence on the line is broken this often, so that proxies keep it open. */
export const HEARTBEAT_MS = 10_000;
/** Streams of one isolate. */
export const STREAMS_MAX = 100;
/** A stream ends after this; the client resumes with `Last-Event-ID`. */
export const STREAM_MS_MAX = 10 * 60_000;
const POLL_MS = 1_000;
/** How soon a client whose stream ended comes back. */
const RECONNECT_MS = 1_000;

const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };

type StreamDeps = Pick<HttpDeps, "incident" | "now">;

/** Answers with the rows after `Last-Event-ID`; with `until`, to the resolution and no further. One per isolate. */
export function journalStreams(deps: StreamDeps) {
  // By deadline, not by count alone: a stream whose end we never heard of must not hold its place for good.
  const endings = new Set<{ readonly endsAtMs: number }>();

  return function journalStream(
    c: Context<HttpEnv>,
    view: IncidentView,
    until: "resolved" | null,
  ): Response {
    const afterSeq = lastEventId(c);
    if (until !== null && view.status === "resolved" && afterSeq >= view.seq) {
      // 204 is how a server tells an EventSource not to come back.
      return new Response(null, { status: 204 });
    }
    // Nobody reads the body of an answer to HEAD, and nobody would ever hang up.
    if (c.req.method === "HEAD") return new Response(null, { headers: HEADERS });
    for (const ending of endings) if (ending.endsAtMs < deps.now()) endings.delete(ending);
    if (endings.size >= STREAMS_MAX) {
      throw new Problem("too-many-streams", `At most ${STREAMS_MAX} streams are open at a time.`);
    }
    const ending = { endsAtMs: deps.now() + STREAM_MS_MAX };
    endings.add(ending);
    const body = rowsAsEvents(deps.incident(view.id), {
      afterSeq,
      until,
      now: deps.now,
      endsAtMs: ending.endsAtMs,
      onEnd: () => endings.delete(ending),
    });
    return new Response(body, { headers: HEADERS });
  };
}

type StreamOptions = {
  readonly afterSeq: number;
  readonly until: "resolved" | null;
  readonly now: () => number;
  readonly endsAtMs: number;
  readonly onEnd: () => void;
};

/** Pulled by the reader, so a slow client costs no memory; each pull waits for rows at most one heartbeat. */
function rowsAsEvents(incident: IncidentApi, options: StreamOptions): ReadableStream<Uint8Array> {
  const { until, now, endsAtMs, onEnd } = options;
  const encoder = new TextEncoder();
  let seq = options.afterSeq;
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(`retry: ${RECONNECT_MS}\n\n`)),

    async pull(controller) {
      const askedAtMs = now();
      const rows = await incident.follow(seq, HEARTBEAT_MS);
      // With too many followers an incident answers at once; asking again at once would not help it.
      if (rows.length === 0 && now() - askedAtMs < POLL_MS) await pause(POLL_MS);
      seq = rows.at(-1)?.seq ?? seq;
      controller.enqueue(encoder.encode(rows.length === 0 ? HEARTBEAT : rows.map(event).join("")));
      const isOver = until !== null && (await isDrained(incident, seq));
      if (!isOver && now() < endsAtMs) return;
      onEnd();
      controller.close();
    },

    cancel: onEnd,
  });
}

const HEARTBEAT = ": still here\n\n";
const event = (row: JournalRow): string =>
  `id: ${row.seq}\ndata: ${JSON.stringify(presentRow(row))}\n\n`;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function isDrained(incident: IncidentApi, seq: number): Promise<boolean> {
  const view = await incident.view();
  return view !== null && view.status === "resolved" && seq >= view.seq;
}

function lastEventId(c: Context<HttpEnv>): number {
  const written = c.req.header("last-event-id");
  if (written === undefined || written === "") return 0;
  if (/^\d{1,15}$/.test(written)) return Number(written);
  throw new Problem("invalid-request", "Last-Event-ID is not the id of an event.", {
    errors: [{ field: "header.last-event-id", message: "write the id of the last event seen" }],
  });
}
