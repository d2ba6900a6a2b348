/** What visitors would have met had nothing been done: the storefront's own read, at the primary, with the storefront's own deadline. */
import pg from "pg";

const EVERY_MS = 250;
/** As `examples/storefront/src/stores.ts` has it. */
const DEADLINE_MS = 2_000;
/** One for each that may be under way. */
const CONNECTIONS_MAX = Math.ceil(DEADLINE_MS / EVERY_MS) + 2;

const READ = `
SELECT p.id::text, p.title, p.summary, u.name AS author, p.price_cents
FROM pitches p JOIN users u ON u.id = p.user_id
ORDER BY p.created_at DESC LIMIT 50`;

export type Read = {
  readonly atMs: number;
  readonly tookMs: number;
  readonly served: boolean;
};

export type ControlReads = AsyncDisposable & { readonly reads: readonly Read[] };

/** Starts them; disposing waits for what is under way. */
export function startControlReads(connectionString: string): ControlReads {
  const reads: Read[] = [];
  const underWay = new Set<Promise<void>>();
  const pool = new pg.Pool({
    connectionString,
    application_name: "gameday-control",
    max: CONNECTIONS_MAX,
    statement_timeout: DEADLINE_MS,
  });
  pool.on("error", () => {}); // An idle connection was lost; the pool has dropped it already.
  const read = async (): Promise<void> => {
    const atMs = Date.now();
    const served = await pool.query(READ).then(
      () => true,
      () => false,
    );
    reads.push({ atMs, tookMs: Date.now() - atMs, served });
  };
  const timer = setInterval(() => {
    const reading = read().finally(() => underWay.delete(reading));
    underWay.add(reading);
  }, EVERY_MS);
  return {
    reads,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await Promise.all(underWay);
      await pool.end();
    },
  };
}
