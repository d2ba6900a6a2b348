/** The storefront's data in the hands of people: history to lose, the damage, the repair, and what a bookkeeper counts afterwards. */
import pg from "pg";
import { z } from "zod";
import { runRecovery } from "./recovery.ts";

const AUTHORS = 40;
const CHARGES = 200;
/** Payments whose state the damage makes impossible. */
const SPOILED = 12;
/** Of the authors that the gameday brings; visitors are never among them. */
const OURS = "email LIKE 'author-%@gameday.invalid'";

const ids = z.array(z.object({ id: z.string() }));
const count = z.object({ count: z.coerce.number() });
const eventRow = z.object({ event_id: z.string(), is_replay: z.boolean() });
const digestRow = z.object({ digest: z.string().nullable(), rows: z.coerce.number() });

/** What the books say of the payment provider's events and of visitors' purchases. */
export type Books = {
  /** In the order in which they were applied. */
  readonly events: readonly { readonly event: string; readonly isReplay: boolean }[];
  /** Charges of the events whose payment says that it succeeded. */
  readonly succeeded: readonly string[];
  /** Visitors' payments since the beginning, and those without exactly one transaction. */
  readonly purchases: { readonly payments: number; readonly unmatched: number };
};

export type ShopData = AsyncDisposable & {
  /** What the payment provider will tell about, one after the other. */
  readonly charges: readonly string[];
  readonly authors: number;
  readonly spoiled: number;
  /** A writer who should not be one: a constraint dropped, the parents of rows deleted, payments made impossible. */
  readonly damage: () => Promise<void>;
  /** Runs a recovery script against a server with the data of before; what it counted. */
  readonly recover: (script: string, branch: string) => Promise<string>;
  /** A person's part of the repair: impossible payments as their transactions say. */
  readonly unspoil: () => Promise<void>;
  /** The constraint, proven by the database. */
  readonly constrain: () => Promise<void>;
  readonly books: () => Promise<Books>;
  /** Of the authors and their pitches: the same before and after means that every value is back. */
  readonly digest: () => Promise<string>;
};

/** Connects as the owner, and brings the history. */
export async function openShopData(connectionString: string, run: string): Promise<ShopData> {
  const client = new pg.Client({ connectionString, application_name: "gameday" });
  await client.connect();
  const query = async (text: string, values: readonly unknown[] = []): Promise<unknown[]> =>
    (await client.query(text, [...values])).rows;

  await query(
    `INSERT INTO users (email, name, password_hash)
     SELECT 'author-' || n || '@gameday.invalid', 'Author ' || n, 'none' FROM generate_series(1, $1) n
     ON CONFLICT (email) DO NOTHING`,
    [AUTHORS],
  );
  await query(
    `INSERT INTO pitches (user_id, title, summary, price_cents, created_at)
     SELECT id, 'The story of ' || name, 'Told by who was there.', 100 * id, now() - interval '30 days'
     FROM users WHERE ${OURS} AND NOT EXISTS (SELECT 1 FROM pitches WHERE user_id = users.id)`,
  );
  const charges = await charge("pending", CHARGES, `pi_${run}`);
  const spoilt = await charge("succeeded", SPOILED, `pi_${run}_paid`);
  const [last] = ids.parse(await query("SELECT max(id)::text AS id FROM payments"));

  /** Payments with one transaction each. */
  async function charge(status: string, many: number, prefix: string): Promise<string[]> {
    const names = Array.from({ length: many }, (_, n) => `${prefix}_${n}`);
    await query(
      `WITH named AS (SELECT name, ordinality AS n FROM unnest($2::text[]) WITH ORDINALITY AS t(name)),
       made AS (INSERT INTO payments (user_id, pitch_id, amount, status)
         SELECT 1, 1, 4900, $1 FROM named RETURNING id),
       numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM made)
       INSERT INTO transactions (payment_id, stripe_id)
       SELECT numbered.id, named.name FROM numbered JOIN named USING (n)`,
      [status, names],
    );
    return names;
  }

  return {
    charges,
    authors: AUTHORS,
    spoiled: SPOILED,
    async damage() {
      await query("ALTER TABLE pitches DROP CONSTRAINT pitches_user_id_fkey");
      await query(`DELETE FROM users WHERE ${OURS}`);
      await spoil("failed");
    },
    recover: (script, branch) => runRecovery(client, script, new URL(branch)),
    unspoil: () => spoil("succeeded"),
    async constrain() {
      await query(
        `ALTER TABLE pitches ADD CONSTRAINT pitches_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID`,
      );
      await query("ALTER TABLE pitches VALIDATE CONSTRAINT pitches_user_id_fkey");
    },
    async books() {
      const [events, succeeded, payments, unmatched] = [
        await query(
          "SELECT event_id, is_replay FROM payment_events WHERE event_id = ANY ($1) ORDER BY seq",
          [charges.map((name) => `evt_${name}`)],
        ),
        await query(
          `SELECT t.stripe_id AS id FROM transactions t JOIN payments p ON p.id = t.payment_id
           WHERE t.stripe_id = ANY ($1) AND p.status = 'succeeded'`,
          [charges],
        ),
        await query("SELECT count(*) FROM payments WHERE id > $1", [last?.id]),
        await query(
          `SELECT count(*) FROM payments p WHERE p.id > $1
           AND (SELECT count(*) FROM transactions t WHERE t.payment_id = p.id) <> 1`,
          [last?.id],
        ),
      ];
      return {
        events: z
          .array(eventRow)
          .parse(events)
          .map(({ event_id: event, is_replay: isReplay }) => ({ event, isReplay })),
        succeeded: ids.parse(succeeded).map(({ id }) => id),
        purchases: {
          payments: count.parse(payments[0]).count,
          unmatched: count.parse(unmatched[0]).count,
        },
      };
    },
    async digest() {
      const [found] = await query(
        `SELECT md5(string_agg(u::text || p::text, '' ORDER BY p.id)) AS digest, count(*) AS rows
         FROM users u JOIN pitches p ON p.user_id = u.id WHERE ${OURS}`,
      );
      const { digest, rows } = digestRow.parse(found);
      return `${rows} rows, ${digest ?? "nothing"}`;
    },
    [Symbol.asyncDispose]: () => client.end(),
  };

  async function spoil(status: string): Promise<void> {
    await query(
      `UPDATE payments SET status = $1 FROM transactions t
       WHERE t.payment_id = payments.id AND t.stripe_id = ANY ($2)`,
      [status, spoilt],
    );
  }
}
