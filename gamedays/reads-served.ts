/** How often a server has looked into the pitches, by its own statistics: no claim of ours. */
import pg from "pg";
import { z } from "zod";

const scans = z.object({ scans: z.coerce.number() });

export async function readsServedBy(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString, application_name: "gameday-statistics" });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS scans
       FROM pg_stat_user_tables WHERE relname = 'pitches'`,
    );
    return scans.parse(rows[0]).scans;
  } finally {
    await client.end();
  }
}
