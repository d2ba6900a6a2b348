/** Passwords reset and API keys rotated for those who were broken into, and nobody else, in a real database, once. */
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Act, StoredAct } from "../../../src/mitigations/opaque.ts";
import { acts } from "../../../src/mitigations/registry.ts";
import { actContract } from "../../contract/act.ts";
import { brokenInto, DECLARED, type BrokenInto } from "./credentials.ts";

const actOf = (id: string): Act => {
  const act = acts[id];
  if (act === undefined) throw new Error("there is such an act");
  return act;
};
const reset = actOf("force-password-reset");
const rotate = actOf("rotate-api-keys");

let world: BrokenInto;
beforeAll(async () => {
  world = await brokenInto();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const anAct = (options: object = {}, id: StoredAct["id"] = "act_1"): StoredAct => ({
  id,
  incidentId: "inc_1",
  options,
  reason: "security",
  onsetAtMs: Date.now() - 60_000,
});

async function groundOf(changed: string) {
  const owner = await world.breakIn();
  const all = async (sql: string) => (await owner.query<Record<string, unknown>>(sql)).rows;
  return {
    reach: world.reach(),
    unreachable: world.unreachable,
    timesDone: async () => (await all("SELECT id FROM firebreak_acts")).length,
    version: async () => [await all(changed), await all("SELECT * FROM firebreak_acts")],
    failNextChange: async (fault: Parameters<BrokenInto["failNextChange"]>[0]) =>
      world.failNextChange(fault),
    // Another account turns out to have been opened in the same minutes.
    interfere: async () => {
      await owner.query(`INSERT INTO auth_logs (created_at, email, ip_address, user_agent, success)
        VALUES (now() - interval '90 seconds', 'grace@example.com', '192.0.2.7', 'test', true)`);
    },
  };
}

const ONSET_MS = Date.now() - 60_000;
const SECRET = { get: () => world.secret };
actContract({
  act: reset,
  options: { max_accounts: 10 },
  badOptions: [
    { options: { max_accounts: 0 }, field: "max_accounts" },
    { options: { accounts: ["ada"] }, field: "accounts" },
  ],
  onsetAtMs: ONSET_MS,
  get secret() {
    return SECRET.get();
  },
  ground: () => groundOf("SELECT id FROM users WHERE force_password_reset ORDER BY id"),
});
actContract({
  act: rotate,
  options: { overlap: "2h", max_keys: 10 },
  badOptions: [
    { options: { overlap: "31d" }, field: "overlap" },
    { options: { max_keys: 10_001 }, field: "max_keys" },
  ],
  onsetAtMs: ONSET_MS,
  get secret() {
    return SECRET.get();
  },
  ground: () => groundOf("SELECT id, expires_at FROM api_keys ORDER BY id"),
});

async function judgedBy(act: Act, options: object = {}) {
  const given = anAct(options);
  const judgement = await act.judge(given, world.reach());
  if (!judgement.ok) throw new Error(judgement.error.detail);
  return { ...judgement.value, act: { ...given, judged: judgement.value.judged } };
}

describe("force-password-reset", () => {
  it("is for whose account was opened, says by what statement, and names nobody", async ({
    expect,
  }) => {
    const owner = await world.breakIn();
    const { act, says } = await judgedBy(reset);
    expect(says).toMatch(
      /^have 1 account choose a new password, opened after many failures until .+ UTC, by the site's own statement: UPDATE users SET force_password_reset = true WHERE email IN \(\{accounts\}\)$/,
    );
    expect(await reset.perform(act, world.reach())).toMatchObject({
      ok: true,
      value: {
        says: "the site's statement for 1 account changed 1 row",
        receipt: { rows: 1, accounts: 1 },
      },
    });
    const { rows } = await owner.query("SELECT email FROM users WHERE force_password_reset");
    expect(rows).toEqual([{ email: "ada@example.com" }]);
    expect(JSON.stringify([says, act])).not.toContain("ada@");
  });

  it("is not for more than it may be, nor for nobody", async ({ expect }) => {
    const owner = await world.breakIn(["grace@example.com"]);
    expect(await reset.judge(anAct({ max_accounts: 1 }), world.reach())).toMatchObject({
      error: {
        class: "refuse",
        detail: "2 accounts were opened after many failures, 1 may be touched",
      },
    });
    await owner.query("DELETE FROM auth_logs WHERE success");
    expect(await reset.judge(anAct(), world.reach())).toMatchObject({
      error: {
        class: "refuse",
        detail: "no account was opened after many failures",
        notApplicable: true,
      },
    });
  });

  it("changes nothing where the statement changes more rows than it may, or site.yaml says another by now", async ({
    expect,
  }) => {
    const owner = await world.breakIn();
    const wide = {
      ...DECLARED,
      password_reset:
        "UPDATE users SET force_password_reset = true WHERE true OR email IN ({accounts})",
    };
    const given = anAct({ max_accounts: 1 });
    const judgement = await reset.judge(given, world.reach(wide));
    if (!judgement.ok) throw new Error(judgement.error.detail);
    const act = { ...given, judged: judgement.value.judged };
    expect(await reset.perform(act, world.reach(wide))).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("more rows than it may") },
    });
    expect(await reset.perform(act, world.reach())).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("another statement") },
    });
    const { rows } = await owner.query(
      "SELECT count(*)::int AS n FROM users WHERE force_password_reset",
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it("may do no more than the site's statements", async ({ expect }) => {
    await world.breakIn();
    const rogue = {
      ...DECLARED,
      password_reset: "UPDATE users SET is_admin = true WHERE email IN ({accounts})",
    };
    const given = anAct();
    const judgement = await reset.judge(given, world.reach(rogue));
    if (!judgement.ok) throw new Error(judgement.error.detail);
    const act = { ...given, judged: judgement.value.judged };
    expect(await reset.perform(act, world.reach(rogue))).toMatchObject({
      error: { class: "refuse", detail: "SQLSTATE 42501" },
    });
  });

  it("says what is missing", ({ expect }) => {
    const reach = world.reach();
    expect(reset.missing({ ...reach, credentials: null })).toBe("POSTGRES_ACTS_URL is not set");
    expect(reset.missing(world.reach(null))).toContain("audit.password_reset");
    expect(rotate.missing(world.reach(null))).toContain("audit.key_rotation");
    expect(reset.missing(reach)).toBeNull();
  });
});

describe("rotate-api-keys", () => {
  it("has old keys end after the overlap, of those accounts only, and no later than they would have", async ({
    expect,
  }) => {
    const owner = await world.breakIn(["mary@example.com"]);
    await owner.query(`UPDATE api_keys SET expires_at = now() + interval '5 minutes'
      WHERE user_id = (SELECT id FROM users WHERE email = 'mary@example.com')`);
    const { act, says } = await judgedBy(rotate, { overlap: "2h" });
    expect(says).toContain("end the API keys of 2 accounts in 2h");
    expect(await rotate.perform(act, world.reach())).toMatchObject({ ok: true });
    const { rows } =
      await owner.query(`SELECT u.email, round(extract(epoch FROM k.expires_at - now()) / 60)::int AS minutes
      FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.expires_at IS NOT NULL ORDER BY 1`);
    expect(rows).toEqual([
      { email: "ada@example.com", minutes: 120 },
      { email: "mary@example.com", minutes: 5 },
    ]);
  });
});
