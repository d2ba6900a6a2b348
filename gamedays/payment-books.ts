/** What the storefront's own books say of its orders. */
import pg from "pg";
import { z } from "zod";

export type Order = {
  /** As the providers know it. */
  readonly key: string;
  readonly status: "pending" | "succeeded" | "failed";
  /** The provider's reference of each of its transactions. */
  readonly references: readonly string[];
};

const row = z.object({
  key: z.string(),
  status: z.enum(["pending", "succeeded", "failed"]),
  references: z.array(z.string()),
});

/** Orders made since then, oldest first. */
export async function readOrders(
  connectionString: string,
  sinceMs: number,
): Promise<readonly Order[]> {
  const client = new pg.Client({ connectionString, application_name: "gameday" });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT 'order-' || p.id AS key, p.status,
         coalesce(json_agg(t.stripe_id) FILTER (WHERE t.id IS NOT NULL), '[]') AS "references"
       FROM payments p LEFT JOIN transactions t ON t.payment_id = p.id
       WHERE p.created_at >= to_timestamp($1 / 1000.0)
       GROUP BY p.id ORDER BY p.created_at`,
      [sinceMs],
    );
    return z.array(row).parse(rows);
  } finally {
    await client.end();
  }
}
