/** The actuators whose leases are entries of the guard's policy, against the real policy object. */
import { describe, it } from "vitest";
import { actuators } from "../../../src/mitigations/registry.ts";
import { err } from "../../../src/shared/result.ts";
import { actuatorContract, type Ground } from "../../contract/actuator.ts";
import { anEntry } from "../../support/policy.ts";
import { freshPolicy, nobodyAnswers } from "./fresh-policy.ts";

function ground(): Ground {
  const { policy, reach } = freshPolicy();
  return {
    reach,
    unreachable: {
      ...reach,
      policy: { put: nobodyAnswers, get: nobodyAnswers, remove: nobodyAnswers },
    },
    version: async () => (await policy.read(null)).seq,
    standing: async (id) => {
      const entry = await policy.get(id);
      if (entry === null) return null;
      const { share, expiresAtMs, mode } = entry;
      return { share, expiresAtMs, shadow: mode === "shadow" };
    },
    takeOver: async (id) => {
      await policy.put(anEntry({ id, owner: "somebody else", expiresAtMs: Date.now() + 60_000 }));
    },
    remove: async (id) => {
      await policy.remove(id);
    },
  };
}

const tooLong = { options: { message: "x".repeat(501) }, field: "message" };
const misspelt = { options: { massage: "x" }, field: "massage" };

actuatorContract({
  actuator: actuators["maintenance-mode"],
  options: { message: "We move to another house." },
  badOptions: [tooLong, misspelt, { options: { message: " " }, field: "message" }],
  ground,
});

actuatorContract({
  actuator: actuators["read-only"],
  options: { message: "Reading works.", fail: "closed" },
  badOptions: [tooLong, misspelt, { options: { fail: "maybe" }, field: "fail" }],
  ground,
});

const PAY = { routes: ["/pay", "/cart"] };
actuatorContract({
  actuator: actuators["disable-features"],
  options: { ...PAY, header: { name: "x-app", value: "3" }, message: "Not today.", fail: "closed" },
  badOptions: [
    { options: {}, field: "routes" },
    { options: { routes: [] }, field: "routes" },
    { options: { routes: ["/*"] }, field: "routes" },
    { options: { routes: ["pay"] }, field: "routes" },
    { options: { ...PAY, feature: "checkout" }, field: "routes" },
    { options: { feature: "checkout", header: { name: "x-app" } }, field: "header" },
    { options: { ...PAY, header: { name: "two words" } }, field: "header" },
    { options: { ...PAY, massage: "x" }, field: "massage" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["emergency-cache"],
  options: { routes: ["/pitches/*"], fresh: "90s" },
  badOptions: [
    { options: { fresh: "500ms" }, field: "fresh" },
    { options: { fresh: "25h" }, field: "fresh" },
    { options: { fresh: "soon" }, field: "fresh" },
    { options: { routes: [] }, field: "routes" },
    { options: { routes: ["pitches"] }, field: "routes" },
    { options: { cookies: [] }, field: "cookies" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["security-logging"],
  options: { routes: ["/sign-in", "/api/*"] },
  badOptions: [
    { options: { routes: [] }, field: "routes" },
    { options: { routes: ["sign-in"] }, field: "routes" },
    { options: { bodies: true }, field: "bodies" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["block-networks"],
  options: { networks: ["192.0.2.0/24", "2001:db8:bad::/48"], message: "Not today." },
  badOptions: [
    { options: {}, field: "networks" },
    { options: { networks: [] }, field: "networks" },
    { options: { list: "Attackers!" }, field: "list" },
    { options: { networks: ["192.0.2.7/24"] }, field: "networks.0" },
    { options: { networks: ["192.0.2.7", "everyone"] }, field: "networks.1" },
    { options: { networks: ["10.0.0.0/11"] }, field: "networks" },
    { options: { networks: ["10.0.0.0/12", "192.0.2.7"] }, field: "networks" },
    { options: { networks: ["2001::/14"] }, field: "networks" },
    { options: { networks: ["::/0"] }, field: "networks" },
    { options: { networks: ["192.0.2.7"], message: "x".repeat(501) }, field: "message" },
    { options: { asns: Array.from({ length: 21 }, (_, n) => 64_496 + n) }, field: "asns" },
    { options: { countries: ["DE", "FR", "NL", "BE", "LU", "CH"] }, field: "countries" },
    { options: { countries: ["Germany"] }, field: "countries.0" },
    { options: { ja4s: ["curl"] }, field: "ja4s.0" },
    { options: { routes: ["/pay"], asns: [64_496] }, field: "routes" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["allow-networks"],
  options: { networks: ["192.0.2.0/24"], asns: [64_496], countries: ["NL"] },
  badOptions: [
    { options: {}, field: "networks" },
    { options: { networks: ["::/0"] }, field: "networks" },
    { options: { countries: [] }, field: "countries" },
    { options: { list: "Friends!" }, field: "list" },
    { options: { networks: ["192.0.2.7"], message: "Welcome." }, field: "message" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["rate-limit"],
  options: {
    routes: ["/sign-in"],
    methods: ["POST"],
    networks: ["192.0.2.0/24"],
    limit: 5,
    window: "1m",
    by: ["address", "session"],
    session: { cookie: "sid" },
    accuracy: "strict",
    beyond: "block",
    penalty: { first: "30s" },
    message: "Slower, please.",
    fail: "closed",
  },
  badOptions: [
    { options: { limit: 0 }, field: "limit" },
    { options: { limit: 1_000_001 }, field: "limit" },
    { options: { window: "999ms" }, field: "window" },
    { options: { window: "25h" }, field: "window" },
    { options: { window: 60 }, field: "window" },
    { options: { burst: 0 }, field: "burst" },
    { options: { by: [] }, field: "by" },
    { options: { by: ["mood"] }, field: "by.0" },
    { options: { by: ["session"] }, field: "session" },
    { options: { session: { cookie: "sid" } }, field: "session" },
    { options: { by: ["session"], session: { cookie: "two words" } }, field: "session" },
    { options: { by: ["route"] }, field: "routes" },
    { options: { routes: ["sign-in"] }, field: "routes.0" },
    { options: { methods: ["post"] }, field: "methods.0" },
    { options: { networks: ["everyone"] }, field: "networks.0" },
    { options: { countries: ["nl"] }, field: "countries.0" },
    { options: { accuracy: "exact" }, field: "accuracy" },
    { options: { beyond: "shout" }, field: "beyond" },
    { options: { penalty: { first: "1m" } }, field: "penalty" },
    { options: { beyond: "block", penalty: { first: "2d" } }, field: "penalty.first" },
    { options: { message: "x".repeat(501) }, field: "message" },
    { options: { limits: 5 }, field: "limits" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["challenge-suspicious"],
  options: { routes: ["/search"], asns: [64_496], difficulty: 12, clearance: "10m", wait: "none" },
  badOptions: [
    { options: { difficulty: 7 }, field: "difficulty" },
    { options: { difficulty: 19 }, field: "difficulty" },
    { options: { difficulty: 9.5 }, field: "difficulty" },
    { options: { provider: "acme" }, field: "provider" },
    { options: { wait: "3m" }, field: "wait" },
    { options: { wait: "never" }, field: "wait" },
    { options: { clearance: "30s" }, field: "clearance" },
    { options: { clearance: "5h" }, field: "clearance" },
    { options: { routes: ["search"] }, field: "routes" },
    { options: { networks: [] }, field: "networks" },
    { options: { countries: ["nl"] }, field: "countries" },
    { options: { message: "x".repeat(501) }, field: "message" },
    { options: { massage: "x" }, field: "massage" },
  ],
  ground,
});

describe("rate-limit", () => {
  it("is the document's 50 in 60 seconds for each address, unless the playbook says otherwise", async ({
    expect,
  }) => {
    const { reach, policy } = freshPolicy();
    const lease = {
      id: "lse_limit" as const,
      incidentId: "inc_limit",
      options: {},
      reason: "",
      shadow: false,
      share: 1,
      expiresAtMs: Date.now() + 60_000,
      prior: null,
    };
    expect(await actuators["rate-limit"].apply(lease, reach)).toMatchObject({ ok: true });
    expect(await policy.entries()).toMatchObject([
      { match: {}, action: { limit: 50, windowMs: 60_000, by: ["address"] }, fail: "open" },
    ]);
  });
});

actuatorContract({
  actuator: actuators["route-reads-to-replica"],
  options: { max_lag: "2s", read_your_writes: "5s" },
  badOptions: [
    { options: { max_lag: "10ms" }, field: "max_lag" },
    { options: { max_lag: "5s", read_your_writes: "4s" }, field: "read_your_writes" },
    { options: { lag: "5s" }, field: "lag" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["failover-to-replica"],
  options: { message: "Reading works." },
  badOptions: [tooLong, misspelt],
  ground,
});

actuatorContract({
  actuator: actuators["emergency-query-cache"],
  options: { ttl: "300s" },
  badOptions: [
    { options: { ttl: "2h" }, field: "ttl" },
    { options: { value_bytes_max: 0 }, field: "value_bytes_max" },
    { options: { ttl: 300 }, field: "ttl" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["pool-size"],
  options: { max: 100, idle_timeout: "60s", connection_timeout: "5s", reserve: 10 },
  badOptions: [
    { options: { max: 0 }, field: "max" },
    { options: { reserve: -1 }, field: "reserve" },
    { options: { connection_timeout: "0s" }, field: "connection_timeout" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["strict-mode"],
  options: { sign_in_attempts: 5, session_timeout: "5m", api_routes: ["/pitches/*"] },
  badOptions: [
    { options: { sign_in_attempts: 0 }, field: "sign_in_attempts" },
    { options: { session_timeout: "10s" }, field: "session_timeout" },
    { options: { session_timeout: "2d" }, field: "session_timeout" },
    { options: { api_per_minute: 0 }, field: "api_per_minute" },
    { options: { api_routes: ["pitches"] }, field: "api_routes.0" },
    { options: { mfa: "yes" }, field: "mfa" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["statement-timeout"],
  options: { timeout: "5s" },
  badOptions: [
    { options: { timeout: "1ms" }, field: "timeout" },
    { options: { timeout: "soon" }, field: "timeout" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["switch-payment-provider"],
  options: { to: "paypal", probe_every: "2s" },
  badOptions: [
    { options: { to: "Pay Pal" }, field: "to" },
    { options: { probe_every: "100ms" }, field: "probe_every" },
    { options: { from: "stripe" }, field: "from" },
  ],
  ground,
});

actuatorContract({
  actuator: actuators["payment-bypass"],
  options: { currency: "eur", amount_max: 100_000, count_max: 20 },
  badOptions: [
    { options: { currency: "EUR" }, field: "currency" },
    { options: { amount_max: -1 }, field: "amount_max" },
    { options: { amount_max: 1.5 }, field: "amount_max" },
    { options: { count_max: 0 }, field: "count_max" },
    { options: { orders: 5 }, field: "orders" },
  ],
  ground,
});

describe("challenge-suspicious", () => {
  it("says what is missing where nothing can be signed", ({ expect }) => {
    const { reach } = freshPolicy();
    const { missing } = actuators["challenge-suspicious"];
    expect(missing(reach)).toBeNull();
    expect(missing({ ...reach, canSign: false })).toContain("SIGNING_KEYS");
  });
});

describe("disable-features", () => {
  const lease = (options: object) => ({
    id: "lse_feature" as const,
    incidentId: "inc_feature",
    options,
    reason: "",
    shadow: false,
    share: 1,
    expiresAtMs: Date.now() + 60_000,
    prior: null,
  });

  it("takes a feature by the name that the site gives it", async ({ expect }) => {
    const { reach, policy } = freshPolicy();
    const applied = await actuators["disable-features"].apply(
      lease({ feature: "checkout" }),
      reach,
    );
    expect(applied).toMatchObject({ ok: true });
    expect(await policy.entries()).toMatchObject([{ match: { feature: "checkout" } }]);
  });

  it("is refused, and changes nothing, for a feature that the site does not have", async ({
    expect,
  }) => {
    const { reach, policy } = freshPolicy();
    expect(await actuators["disable-features"].apply(lease({ feature: "gone" }), reach)).toEqual(
      err({ class: "refuse", detail: expect.stringContaining("the site no such feature") }),
    );
    expect(await policy.entries()).toEqual([]);
  });
});
