/** A storefront whose accounts were broken into, and a wire to its database on which changes go wrong. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type pg from "pg";
import { auditSpec, type AuditSpec } from "../../../src/audit/audit.ts";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { createPostgresWriter } from "../../../src/platform/postgres-writer.ts";
import { createPostgres } from "../../../src/platform/postgres.ts";
import { err } from "../../../src/shared/result.ts";
import type { ChangeFault } from "../../contract/act.ts";
import { startNeonWire } from "../../support/neon-wire.ts";
import { aSession, startStorefront, type Storefront } from "../../support/storefront.ts";

/** As the repository's own site declares it. */
export const DECLARED: AuditSpec = auditSpec.parse(
  (
    parse(readFileSync(new URL("../../../playbooks/site.yaml", import.meta.url), "utf8")) as {
      readonly audit: unknown;
    }
  ).audit,
);

export type BrokenInto = AsyncDisposable & {
  readonly storefront: Storefront;
  readonly secret: string;
  readonly reach: (declared?: AuditSpec | null) => Reach;
  readonly unreachable: Reach;
  readonly failNextChange: (fault: ChangeFault) => void;
  /** Whatever was there before: ada's account was opened by who had looked for its password, grace's was not. */
  readonly breakIn: (more?: readonly string[]) => Promise<pg.Client>;
};

export async function brokenInto(): Promise<BrokenInto> {
  const storefront = await startStorefront();
  const wire = await startNeonWire(storefront.fetchEndpoint, {
    isChange: ({ headers }) => headers["neon-batch-read-only"] !== "true",
  });
  const { actsUrl, watcherUrl } = storefront.database;
  const nobody = async () => err({ class: "refuse", detail: "not needed here" } as const);
  const reachAt = (fetchEndpoint: string, spec: AuditSpec | null): Reach => ({
    instance: "shop.test",
    policy: { put: nobody, get: nobody, remove: nobody },
    cloudflare: null,
    neon: null,
    canSign: false,
    sessions: null,
    postgres: createPostgres({ connectionString: watcherUrl, fetchEndpoint }),
    credentials: {
      spec,
      writer: createPostgresWriter(
        { connectionString: actsUrl, fetchEndpoint },
        "POSTGRES_ACTS_URL",
      ),
    },
  });
  return {
    storefront,
    secret: new URL(actsUrl).password,
    // The driver has one endpoint for all: who was made last says where.
    reach: (spec = DECLARED) => reachAt(wire.url, spec),
    unreachable: {
      ...reachAt(wire.url, DECLARED),
      postgres: createPostgres({
        connectionString: "postgresql://nobody@nowhere.invalid:1/x",
        fetchEndpoint: wire.url,
      }),
      credentials: {
        spec: DECLARED,
        writer: createPostgresWriter(
          {
            connectionString: "postgresql://nobody:hunter3@nowhere.invalid:1/x",
            fetchEndpoint: wire.url,
          },
          "POSTGRES_ACTS_URL",
        ),
      },
    },
    failNextChange: wire.failNextChange,
    async breakIn(more = []) {
      const owner = await aSession(storefront.database.ownerUrl);
      await owner.query(`TRUNCATE firebreak_acts, auth_logs, api_keys;
        UPDATE users SET force_password_reset = false`);
      await owner.query(`INSERT INTO api_keys (user_id, key_hash)
        SELECT id, md5(email) || md5(email) FROM users`);
      const victims = ["ada@example.com", ...more];
      await owner.query(
        `INSERT INTO auth_logs (created_at, email, ip_address, user_agent, success)
        SELECT now() - interval '2 minutes', 'user' || n || '@example.com', '192.0.2.7'::inet, 'test', false FROM generate_series(1, 12) AS n
        UNION ALL SELECT now() - interval '1 minute', unnest($1::text[]), '192.0.2.7', 'test', true
        UNION ALL SELECT now() - interval '3 minutes', 'grace@example.com', '198.51.100.8', 'test', false
        UNION ALL SELECT now() - interval '1 minute', 'grace@example.com', '198.51.100.8', 'test', true`,
        [victims],
      );
      return owner;
    },
    async [Symbol.asyncDispose]() {
      await wire.close();
      await storefront[Symbol.asyncDispose]();
    },
  };
}
