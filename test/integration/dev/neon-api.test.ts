/** Our client of Neon's control API against the stand-in, and the stand-in against what Neon refuses. */
import { describe, it } from "vitest";
import { z } from "zod";
import { untilEnded } from "../../../src/platform/neon-branches.ts";
import { NEON_BUDGET, type NeonCall } from "../../../src/platform/neon.ts";
import { KEY, vendor } from "../mitigations/neon.ts";

const READ: NeonCall<unknown> = { method: "GET", path: "/branches", result: z.unknown() };
const CHANGE: NeonCall<unknown> = {
  method: "POST",
  path: "/branches",
  body: { branch: { name: "one" } },
  result: z.unknown(),
};

describe("the client", () => {
  it.for([
    ["5xx", "retry", "unknown_outcome"],
    ["timeout", "retry", "unknown_outcome"],
    ["garbage", "retry", "unknown_outcome"],
    ["429", "retry", "retry"],
    ["403", "refuse", "refuse"],
  ] as const)(
    "says of %s that a read may %s and a change is %s",
    async ([fault, read, change], { expect }) => {
      for (const [call, kind] of [
        [READ, read],
        [CHANGE, change],
      ] as const) {
        const { client, fail } = await vendor();
        await fail(fault);
        expect(await client().call({ ...call, result: z.object({}) })).toMatchObject({
          ok: false,
          error: { class: kind },
        });
      }
    },
  );

  it("takes a busy project for one to come back to: nothing was done", async ({ expect }) => {
    const { client, state } = await vendor({ operationMs: 60_000 });
    expect(await client().call(CHANGE)).toMatchObject({ ok: true });
    const other = { ...CHANGE, body: { branch: { name: "two" } } };
    expect(await client().call(other)).toMatchObject({ error: { class: "retry", status: 423 } });
    expect((await state()).branches).toHaveLength(2);
  });

  it("asks nothing more after a 429 for a while, and then again", async ({ expect }) => {
    let atMs = 1_000_000;
    const neon = await vendor();
    const client = neon.client(neon.base, KEY, () => atMs);
    await neon.fail("429");
    await client.call(READ);
    expect(await client.call(CHANGE)).toMatchObject({ error: { class: "retry", status: null } });
    expect(await neon.calls()).toHaveLength(1);
    atMs += 10_000;
    expect(await client.call(READ)).toMatchObject({ ok: true });
  });

  it("keeps below the vendor's limit, and room for changes", async ({ expect }) => {
    const neon = await vendor();
    const client = neon.client(neon.base, KEY, () => 1_000_000);
    const { burst, reserve, perSecond } = NEON_BUDGET;
    for (let n = 0; n < burst; n += 1) await client.call(READ);
    expect(await neon.calls()).toHaveLength(burst - reserve);
    expect(await client.call(CHANGE)).toMatchObject({ ok: true });
    expect(perSecond * 60).toBeLessThan(700);
    expect(burst).toBeLessThan(40);
  });

  it("repeats the vendor's words, and never the key", async ({ expect }) => {
    const { base, client } = await vendor();
    const refused = await client(base, "wrong-key").call(READ);
    expect(refused).toMatchObject({ error: { class: "refuse", status: 401 } });
    const answers = [
      refused,
      await client(`${base}/${KEY}`).call(READ),
      await client(`http://${KEY}.invalid`).call(READ),
    ];
    for (const answer of answers) {
      expect(answer.ok).toBe(false);
      expect(JSON.stringify(answer)).not.toMatch(/wrong-key|key-of-the-test/);
    }
  });

  it("waits for operations, and says what ended badly or has not ended", async ({ expect }) => {
    const neon = await vendor({
      runCompute: async () => {
        throw new Error("no server today");
      },
    });
    const made = await neon.ask("/branches", {
      method: "POST",
      body: { branch: { name: "one" }, endpoints: [{ type: "read_only" }] },
    });
    const operation = z.object({
      id: z.string(),
      action: z.string(),
      status: z.literal("running"),
    });
    const { operations } = z
      .object({ operations: z.tuple([z.unknown(), operation]) })
      .parse(await made.json());
    expect(await untilEnded(neon.client(), [operations[1]], async () => {})).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("start_compute ended as failed") },
    });
    const endless = { id: "none", action: "create_branch", status: "running" } as const;
    expect(await untilEnded(neon.client(), [endless], async () => {})).toMatchObject({
      error: { class: "unknown_outcome" },
    });
  });
});

describe("the stand-in", () => {
  const branch = (given: object) => ({
    method: "POST",
    body: { branch: { name: "one", ...given } },
  });
  const endpoint = (given: object) => ({ method: "PATCH", body: { endpoint: given } });
  it.for([
    ["a wrong key", "/branches", { key: "wrong" }, 401],
    ["another project's path", "/../other/branches", {}, 404],
    ["no name", "/branches", { method: "POST", body: { branch: {} } }, 400],
    ["a field that is not there", "/branches", branch({ comment: "hello" }), 400],
    ["a parent that is not there", "/branches", branch({ parent_id: "br-none" }), 404],
    ["a moment to come", "/branches", branch({ parent_timestamp: "2999-01-01T00:00:00Z" }), 400],
    [
      "a moment too long ago",
      "/branches",
      branch({ parent_timestamp: "2020-01-01T00:00:00Z" }),
      400,
    ],
    ["an end that has passed", "/branches", branch({ expires_at: "2020-01-01T00:00:00Z" }), 400],
    [
      "an end finer than seconds",
      "/branches",
      branch({ expires_at: "2999-01-01T00:00:00.5Z" }),
      400,
    ],
    ["a name twice", "/branches", branch({ name: "main" }), 409],
    ["the default branch deleted", "/branches/br-main", { method: "DELETE" }, 422],
    [
      "limits in the wrong order",
      "/endpoints/ep-main",
      endpoint({ autoscaling_limit_min_cu: 4 }),
      400,
    ],
    ["limits too far apart", "/endpoints/ep-main", endpoint({ autoscaling_limit_max_cu: 12 }), 400],
    ["a connection to nothing", "/connection_uri?database_name=a&role_name=b", {}, 404],
  ] as const)("refuses %s", async ([, path, init, status], { expect }) => {
    const { ask, state } = await vendor();
    const before = await state();
    expect((await ask(path, init)).status).toBe(status);
    expect(await state()).toEqual(before);
  });
});
