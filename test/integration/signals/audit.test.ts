/** What production's records say of an attack on sign-ins and of a stolen session, in a real database with the site's own declarations. */
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { z } from "zod";
import { bundle } from "../../../src/playbooks/deployed.ts";
import { auditSpec, type AuditSpec } from "../../../src/audit/audit.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { audit } from "../../../src/signals/sources/audit.ts";
import { aCollection, aPoll, NOW_MS } from "../../support/signals.ts";
import { aSession, startStorefront, type Storefront } from "../../support/storefront.ts";

let storefront: Storefront;
beforeAll(async () => {
  storefront = await startStorefront();
});
afterAll(() => storefront?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await write("TRUNCATE auth_logs, audit_logs");
  await write("UPDATE user_known_ips SET first_seen = now() - interval '30 days'");
});

async function write(sql: string): Promise<void> {
  const owner = await aSession(storefront.database.ownerUrl);
  await owner.query(sql);
}

const DECLARED = bundle.site.audit ?? null;
const poll = (declared: AuditSpec | null = DECLARED) =>
  audit.poll(aPoll({ postgres: storefront.watcher, audit: declared }));
const collect = (collector: string, declared: AuditSpec | null = DECLARED, atMs = NOW_MS) =>
  collectEvidence(
    collector,
    aCollection({
      atMs,
      onsetAtMs: atMs,
      postgres: storefront.watcher,
      audit: declared,
    }),
  );

/** Attempts of `count` numbers n; `address`, `account` and `at` are SQL over n. */
const attempts = (
  count: number,
  {
    account = "'ada@example.com'",
    address = "'203.0.113.66'",
    success = false,
    at = "now() - interval '10 seconds'",
  },
): Promise<void> =>
  write(`INSERT INTO auth_logs (created_at, email, ip_address, user_agent, success)
    SELECT ${at}, ${account}, (${address})::inet, 'curl', ${success} FROM generate_series(1, ${count}) n`);

const QUIET = {
  "audit.failed_sign_ins_count": { value: 0 },
  "audit.failed_per_address_count": { value: 0 },
  "audit.accounts_per_address_count": { value: 0 },
  "audit.addresses_per_account_count": { value: 0 },
  "audit.suspicious_successes_count": { value: 0 },
  "audit.new_address_sign_ins_count": { value: 0 },
  "audit.unknown_address_accesses_count": { value: 0 },
  "audit.privileged_actions_count": { value: 0 },
  "audit.privileged_unknown_address_count": { value: 0 },
};

describe("sign-ins", () => {
  it("that nobody made are known to be none", async ({ expect }) => {
    expect(await poll()).toEqual(QUIET);
  });

  it("of one address at many accounts are stuffing, and the one that it opened is no accident", async ({
    expect,
  }) => {
    await attempts(30, { account: "'user' || n || '@example.com'" });
    await attempts(1, { account: "'found@example.com'", success: true });
    expect(await poll()).toEqual({
      ...QUIET,
      "audit.failed_sign_ins_count": { value: 30 },
      "audit.failed_per_address_count": { value: 30 },
      "audit.accounts_per_address_count": { value: 30 },
      "audit.addresses_per_account_count": { value: 1 },
      "audit.suspicious_successes_count": { value: 1 },
    });
  });

  it("of many addresses at one account are guessing, also where a subscriber has many addresses", async ({
    expect,
  }) => {
    await attempts(12, { address: "'198.51.100.' || n" });
    // One /64 is one client.
    await attempts(12, { account: "'six@example.com'", address: "'2001:db8::' || to_hex(n)" });
    expect(await poll()).toMatchObject({
      "audit.failed_sign_ins_count": { value: 24 },
      "audit.failed_per_address_count": { value: 12 },
      "audit.addresses_per_account_count": { value: 12 },
    });
  });

  it("that were mistyped and then right are nobody's attack", async ({ expect }) => {
    await attempts(3, {});
    await attempts(1, { success: true, at: "now() - interval '5 seconds'" });
    expect(await poll()).toMatchObject({
      "audit.failed_per_address_count": { value: 3 },
      "audit.accounts_per_address_count": { value: 0 },
      "audit.suspicious_successes_count": { value: 0 },
    });
  });

  it("of an hour count only for who fails now, and those before it not at all", async ({
    expect,
  }) => {
    await attempts(40, { at: "now() - interval '61 minutes'" });
    await attempts(20, { at: "now() - interval '30 minutes'" });
    expect(await poll()).toEqual(QUIET);
    await attempts(1, {});
    expect(await poll()).toMatchObject({
      "audit.failed_sign_ins_count": { value: 1 },
      "audit.failed_per_address_count": { value: 21 },
    });
  });

  it("are happening for as long as the site says", async ({ expect }) => {
    await attempts(20, {
      account: "'user' || n || '@example.com'",
      at: "now() - interval '40 seconds'",
    });
    await attempts(1, {
      success: true,
      account: "'found@example.com'",
      at: "now() - interval '40 seconds'",
    });
    const within = (recordsWithinMs: number) =>
      audit.poll(aPoll({ postgres: storefront.watcher, audit: DECLARED, recordsWithinMs }));
    expect(await within(60_000)).toMatchObject({
      "audit.accounts_per_address_count": { value: 20 },
      "audit.suspicious_successes_count": { value: 1 },
    });
    expect(await within(30_000)).toEqual(QUIET);
  });

  it("from an address that is new to the account are told, a newcomer's are not", async ({
    expect,
  }) => {
    const [ada, grace, lin] = await emails();
    // Her own address, somebody else's, and the first one of a newcomer.
    await attempts(1, { account: `'${ada}'`, address: "'198.51.100.7'", success: true });
    expect(await poll()).toMatchObject({ "audit.new_address_sign_ins_count": { value: 0 } });
    await attempts(1, { account: `'${grace}'`, address: "'198.51.100.7'", success: true });
    await write("DELETE FROM user_known_ips WHERE user_id = 3");
    await attempts(1, { account: `'${lin}'`, address: "'192.0.2.1'", success: true });
    expect(await poll()).toMatchObject({ "audit.new_address_sign_ins_count": { value: 1 } });
  });
});

async function emails(): Promise<readonly string[]> {
  const owner = await aSession(storefront.database.ownerUrl);
  const { rows } = await owner.query<{ email: string }>("SELECT email FROM users ORDER BY id");
  return rows.map(({ email }) => email);
}

describe("accesses", () => {
  it("from an address that is new to the account are told, and the privileged ones by themselves", async ({
    expect,
  }) => {
    await write(`INSERT INTO user_known_ips (user_id, ip_address, first_seen)
      VALUES (2, '203.0.113.66', now() - interval '5 minutes')`);
    await write(`INSERT INTO audit_logs (user_id, action, resource, ip_address) VALUES
      (1, 'checkout', 'a', '198.51.100.7'), (1, 'bulk_export', 'b', '198.51.100.7'),
      (1, 'checkout', 'c', '203.0.113.66'), (1, 'api_key_created', 'd', '203.0.113.66'),
      (2, 'checkout', 'e', '203.0.113.66')`);
    expect(await poll()).toMatchObject({
      // The thief's own sign-in does not make the address known.
      "audit.unknown_address_accesses_count": { value: 3 },
      "audit.privileged_actions_count": { value: 2 },
      "audit.privileged_unknown_address_count": { value: 1 },
    });
  });
});

describe("what is not declared, or fails", () => {
  it("is unknown by name, and nothing else is", async ({ expect }) => {
    expect((await poll(null))["audit.failed_sign_ins_count"]).toEqual({
      unknown: "not_configured",
      detail: "site.yaml declares no audit",
    });
    const declared = auditSpec.parse({
      sign_ins: "SELECT at, account, address, success FROM nowhere",
      accesses: DECLARED?.accesses,
    });
    expect(await poll(declared)).toMatchObject({
      "audit.failed_sign_ins_count": { unknown: "refused", detail: "SQLSTATE 42P01" },
      "audit.new_address_sign_ins_count": { unknown: "not_configured" },
      "audit.privileged_actions_count": { value: 0 },
      "audit.unknown_address_accesses_count": { unknown: "not_configured" },
    });
  });

  it("is refused where it does more than read", ({ expect }) => {
    expect(auditSpec.safeParse({ sign_ins: "DELETE FROM users" }).success).toBe(false);
    expect(auditSpec.safeParse({ sign_ins: "SELECT 1; SELECT 2" }).success).toBe(false);
    expect(auditSpec.safeParse({}).success).toBe(false);
  });
});

describe("evidence", () => {
  it("has the attempts of the hour by network, and names nobody", async ({ expect }) => {
    await attempts(600, {
      account: "'user' || n || '@example.com'",
      address: "'203.0.113.' || n % 60",
    });
    await attempts(2, { account: "'ada@example.com'", address: "'2001:db8:1:2::5'" });
    const evidence = await collect("audit-sign-ins");
    expect(evidence).toMatchObject({
      ok: true,
      value: {
        summary:
          "Within the hour 602 of 602 attempts to sign in failed, at 601 accounts from 61 addresses; 60 of these failed more than five times",
        facts: {
          networks: [
            { network: "203.0.113.0/24", addresses: 60, offenders: 60, failed: 600, accounts: 600 },
            { network: "2001:db8:1::/48", addresses: 1, offenders: 0, failed: 2, accounts: 1 },
          ],
        },
      },
    });
    expect(JSON.stringify(evidence)).not.toContain("@example.com");
  });

  it("has the day's unusual accesses by action and network", async ({ expect }) => {
    await write(`INSERT INTO audit_logs (user_id, action, resource, ip_address, created_at) VALUES
      (1, 'checkout', 'a', '198.51.100.7', now() - interval '2 hours'),
      (1, 'bulk_export', 'b', '198.51.100.7', now() - interval '3 hours'),
      (1, 'checkout', 'c', '203.0.113.66', now() - interval '4 hours'),
      (2, 'checkout', 'c', '203.0.113.67', now() - interval '5 hours'),
      (1, 'bulk_export', 'old', '203.0.113.66', now() - interval '25 hours')`);
    expect(await collect("audit-accesses")).toMatchObject({
      ok: true,
      value: {
        summary:
          "Within the day 1 privileged actions; 2 accesses came from addresses that are new to their accounts",
        facts: {
          accesses: [
            {
              action: "checkout",
              network: "203.0.113.0/24",
              is_unknown: true,
              accesses: 2,
              accounts: 2,
            },
            { action: "bulk_export", network: "198.51.100.0/24", is_unknown: false, accesses: 1 },
          ],
        },
      },
    });
  });

  it("is refused, by name, where nothing is declared", async ({ expect }) => {
    expect(await collect("audit-sign-ins", null)).toEqual({
      ok: false,
      error: { class: "refuse", detail: "site.yaml declares no audit.sign_ins" },
    });
    expect(await collect("audit-accesses", null)).toMatchObject({ error: { class: "refuse" } });
  });
});

describe("a password reset", () => {
  const prepared = z.object({
    ok: z.literal(true),
    value: z.object({
      summary: z.string(),
      facts: z.object({ accounts: z.int(), statement: z.string().nullable() }),
    }),
  });
  const prepare = async (declared = DECLARED) =>
    prepared.parse(await collect("password-reset", declared, Date.now())).value;

  it("is prepared for those who were broken into, and for nobody else", async ({ expect }) => {
    await write("UPDATE users SET force_password_reset = false");
    const [ada, grace, lin] = await emails();
    // Ada's password was found from an address that tries many; Grace mistyped hers; Lin just signed in.
    await attempts(30, { account: "'user' || n || '@example.com'" });
    await attempts(1, { account: `'${ada}'`, success: true });
    await attempts(3, { account: `'${grace}'`, address: "'198.51.100.8'" });
    await attempts(1, { account: `'${grace}'`, address: "'198.51.100.8'", success: true });
    await attempts(1, { account: `'${lin}'`, address: "'203.0.113.9'", success: true });

    const { summary, facts } = await prepare();
    expect(summary).toBe(
      "A statement that makes 1 account choose a new password, opened after many failures; a person reads and runs it",
    );
    expect(JSON.stringify(facts)).not.toContain(ada);
    // Who is broken into later is another statement's business.
    await attempts(1, { account: `'${lin}'`, success: true, at: "now() + interval '1 second'" });
    const owner = await aSession(storefront.database.ownerUrl);
    await owner.query(facts.statement ?? "");
    const { rows } = await owner.query("SELECT email FROM users WHERE force_password_reset");
    expect(rows).toEqual([{ email: ada }]);
  });

  it("is for nobody where nobody was broken into", async ({ expect }) => {
    await attempts(30, {});
    expect((await prepare()).facts).toEqual({ accounts: 0, statement: null });
  });

  it("is refused, by name, where the site says no statement", async ({ expect }) => {
    const declared = auditSpec.parse({ sign_ins: DECLARED?.sign_ins });
    expect(await collect("password-reset", declared)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("audit.password_reset") },
    });
    expect(
      auditSpec.safeParse({
        sign_ins: DECLARED?.sign_ins,
        password_reset: "UPDATE users SET x = 1",
      }).success,
    ).toBe(false);
  });
});
