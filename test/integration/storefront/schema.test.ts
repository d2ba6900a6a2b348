/** The playbooks' queries run word for word on the storefront's schema, and find what they are meant to find. */
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, describe, it } from "vitest";
import { createStorefrontDatabase } from "../../../dev/storefront-database.ts";
import { startPostgresBehindNeon, type PostgresBehindNeon } from "../../support/servers.ts";

const DIRECTORY = fileURLToPath(new URL("../../../examples/storefront", import.meta.url));

let servers: PostgresBehindNeon;
let owner: pg.Client;
let watcher: pg.Client;
beforeAll(async () => {
  servers = await startPostgresBehindNeon();
  const database = await createStorefrontDatabase(servers.postgres, DIRECTORY);
  owner = new pg.Client({ connectionString: database.ownerUrl });
  watcher = new pg.Client({ connectionString: database.watcherUrl });
  await Promise.all([owner.connect(), watcher.connect()]);
});
afterAll(async () => {
  await Promise.all([owner?.end(), watcher?.end()]);
  await servers?.[Symbol.asyncDispose]();
});

const rowsOf = async (client: pg.Client, text: string): Promise<unknown[]> =>
  (await client.query<Record<string, unknown>>(text)).rows;

describe("the playbooks' queries", () => {
  it("find the address behind failed sign-ins", async ({ expect }) => {
    await owner.query(`INSERT INTO auth_logs (email, ip_address, user_agent, success)
      SELECT 'ada@example.com', '203.0.113.66', 'curl', false FROM generate_series(1, 6)`);
    const attempts = await rowsOf(
      watcher,
      `SELECT 
     created_at,
     email,
     ip_address,
     user_agent,
     success
   FROM auth_logs
   WHERE created_at > NOW() - INTERVAL '1 hour'
   ORDER BY created_at DESC;`,
    );
    expect(attempts).toHaveLength(6);
    const addresses = await rowsOf(
      watcher,
      `SELECT 
     ip_address,
     COUNT(*) as attempts,
     MAX(created_at) as last_attempt
   FROM auth_logs
   WHERE success = false
     AND created_at > NOW() - INTERVAL '1 hour'
   GROUP BY ip_address
   HAVING COUNT(*) > 5
   ORDER BY attempts DESC;`,
    );
    expect(addresses).toMatchObject([{ ip_address: "203.0.113.66", attempts: "6" }]);
  });

  it("find access from an unknown address, and what always deserves a look", async ({ expect }) => {
    await owner.query(`INSERT INTO audit_logs (user_id, action, resource, ip_address) VALUES
      (1, 'checkout', 'known', '198.51.100.7'),
      (1, 'checkout', 'unknown', '203.0.113.66'),
      (1, 'bulk_export', 'known', '198.51.100.7')`);
    const accesses = await rowsOf(
      watcher,
      `SELECT 
     u.email,
     al.action,
     al.resource,
     al.ip_address,
     al.created_at
   FROM audit_logs al
   JOIN users u ON al.user_id = u.id
   WHERE al.created_at > NOW() - INTERVAL '24 hours'
     AND (
       al.ip_address NOT IN (SELECT DISTINCT ip_address FROM user_known_ips)
       OR al.action IN ('bulk_export', 'api_key_created', 'permission_escalation')
     )
   ORDER BY al.created_at DESC;`,
    );
    expect(accesses).toHaveLength(2);
    expect(accesses).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: "checkout", resource: "unknown" }),
        expect.objectContaining({ action: "bulk_export" }),
      ]),
    );
  });

  it("force a reset on who signed in of late", async ({ expect }) => {
    await owner.query("UPDATE users SET last_login = now() WHERE id = 2");
    const { rowCount } = await owner.query(
      "UPDATE users SET force_password_reset = true WHERE last_login > NOW() - INTERVAL '24 hours'",
    );
    expect(rowCount).toBe(1);
  });

  it("find a payment that nobody collected", async ({ expect }) => {
    await owner.query(`INSERT INTO payments (user_id, pitch_id, amount, status) VALUES
      (1, 1, 4900, 'succeeded'), (1, 2, 3900, 'pending'), (1, 3, 100, 'pending')`);
    await owner.query("INSERT INTO transactions (payment_id, stripe_id) VALUES (3, 'pi_1')");
    const unmatched = await rowsOf(
      watcher,
      `SELECT 
     p.id,
     p.amount,
     p.status,
     t.stripe_id
   FROM payments p
   LEFT JOIN transactions t ON p.id = t.payment_id
   WHERE p.created_at > NOW() - INTERVAL '24 hours'
     AND p.status = 'pending'
     AND t.id IS NULL;`,
    );
    expect(unmatched).toEqual([{ id: "2", amount: 3900, status: "pending", stripe_id: null }]);
  });
});

describe("the watcher's role", () => {
  it("reads everybody's activity", async ({ expect }) => {
    const sessions = await rowsOf(
      watcher,
      "SELECT query FROM pg_stat_activity WHERE usename = 'storefront' AND query <> '<insufficient privilege>'",
    );
    expect(sessions).toHaveLength(1);
  });

  it("changes nothing, even when it asks to", async ({ expect }) => {
    await expect(watcher.query("DELETE FROM payments")).rejects.toMatchObject({ code: "25006" });
    await watcher.query("SET default_transaction_read_only = off");
    await expect(watcher.query("DELETE FROM payments")).rejects.toMatchObject({ code: "42501" });
  });
});
