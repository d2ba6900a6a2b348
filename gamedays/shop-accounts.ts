/** The storefront's members, for as long as a gameday needs some, and what its tables say of them. */
import pg from "pg";
import { z } from "zod";

export const MEMBERS = 200;
/** All of them have it; whoever signs in wrongly types another. */
export const PASSWORD = "lovelace";
export const emailOf = (member: number): string => `member-${member}@gameday.invalid`;
const OURS = "SELECT id FROM users WHERE email LIKE 'member-%@gameday.invalid'";

const ids = z.array(z.object({ member: z.coerce.number() }));

export type ShopAccounts = AsyncDisposable & {
  /** Runs the statement as a person of the storefront would; the members who must choose a new password by then. */
  readonly resetPasswords: (statement: string) => Promise<readonly number[]>;
};

/** Members who have signed in from `address` for a month. Disposing removes them, and what they did. */
export async function openAccounts(
  connectionString: string,
  address: string,
): Promise<ShopAccounts> {
  const client = new pg.Client({ connectionString, application_name: "gameday" });
  await client.connect();
  const remove = async (): Promise<void> => {
    for (const table of ["pitches", "audit_logs", "user_known_ips"]) {
      await client.query(`DELETE FROM ${table} WHERE user_id IN (${OURS})`);
    }
    await client.query(`DELETE FROM users WHERE id IN (${OURS})`);
  };
  await remove();
  await client.query(
    `INSERT INTO users (email, name, password_hash)
     SELECT 'member-' || n || '@gameday.invalid', 'Member ' || n, ada.password_hash
     FROM generate_series(0, $1::int - 1) AS n, users AS ada WHERE ada.email = 'ada@example.com'`,
    [MEMBERS],
  );
  await client.query(
    `INSERT INTO user_known_ips (user_id, ip_address, first_seen)
     SELECT id, $1, now() - interval '30 days' FROM (${OURS}) AS ours`,
    [address],
  );
  return {
    async resetPasswords(statement) {
      await client.query(statement);
      const { rows } = await client.query(
        `SELECT split_part(split_part(email, '@', 1), '-', 2) AS member FROM users
         WHERE force_password_reset ORDER BY id`,
      );
      return ids.parse(rows).map(({ member }) => member);
    },
    async [Symbol.asyncDispose]() {
      await remove();
      await client.end();
    },
  };
}
