/**
 * Who is touched by each policy entry, or would be if it were enforced: requests, different clients, verified bots, and by route.
 * One tally for counting in an isolate and for adding up what isolates counted. Bounded. Pure.
 */
import { HyperLogLog } from "../sketches/hyper-log-log.ts";
import { addTo, type Labels } from "./tally.ts";
import type { TouchedReport } from "./traffic-api.ts";

/** In one tally; what comes after them counts under `other`. */
export const TOUCHED_ENTRIES_MAX = 64;
/** A standard error of 3.3 %, in one kilobyte for each entry. */
export const TOUCHED_PRECISION = 10;
const OTHER = "other";

/** One request, as far as it matters to the entries that it met. */
export type Touch = {
  /** A word for the client, 0 when it is not known. */
  readonly client: number;
  /** The template of its path. */
  readonly route: string;
  readonly isVerifiedBot: boolean;
};

export class TouchedTally {
  readonly #entries = new Map<string, Entry>();

  count(entryId: string, { client, route, isVerifiedBot }: Touch): void {
    const entry = this.#entryOf(entryId);
    entry.requests += 1;
    if (isVerifiedBot) entry.verifiedBots += 1;
    if (client !== 0) entry.clients.add(client);
    addTo(entry.routes, route);
  }

  add(reports: readonly TouchedReport[]): void {
    for (const report of reports) {
      const entry = this.#entryOf(report.entryId);
      entry.requests += report.requests;
      entry.verifiedBots += report.verifiedBots;
      const clients = HyperLogLog.fromBytes(report.clients);
      if (clients?.precision === TOUCHED_PRECISION) entry.clients.merge(clients);
      for (const [route, by] of Object.entries(report.routes)) addTo(entry.routes, route, by);
    }
  }

  reports(): readonly TouchedReport[] {
    return Array.from(this.#entries, ([entryId, entry]) => ({
      entryId,
      requests: entry.requests,
      verifiedBots: entry.verifiedBots,
      clients: entry.clients.toBytes(),
      routes: { ...entry.routes },
    }));
  }

  clear(): void {
    this.#entries.clear();
  }

  #entryOf(id: string): Entry {
    const isRoom = this.#entries.has(id) || this.#entries.size < TOUCHED_ENTRIES_MAX;
    const key = isRoom ? id : OTHER;
    const entry = this.#entries.get(key) ?? emptyEntry();
    this.#entries.set(key, entry);
    return entry;
  }
}

/** About how many different clients. */
export const clientsOf = ({ clients }: Pick<TouchedReport, "clients">): number =>
  Math.round(HyperLogLog.fromBytes(clients)?.estimate() ?? 0);

/** Whether bytes are a sketch that merges with the others. */
export const isClients = (bytes: Uint8Array): boolean =>
  HyperLogLog.fromBytes(bytes)?.precision === TOUCHED_PRECISION;

type Entry = {
  requests: number;
  verifiedBots: number;
  readonly clients: HyperLogLog;
  readonly routes: Labels;
};

const emptyEntry = (): Entry => ({
  requests: 0,
  verifiedBots: 0,
  clients: new HyperLogLog(TOUCHED_PRECISION),
  routes: {},
});
