import fc from "fast-check";
import { it } from "vitest";
import type { SigningKey } from "../../../../src/guard/signed.ts";
import { signReplay, verifyReplay } from "../../../../src/guard/write-journal/envelope.ts";
import { receiveWebhook } from "../../../../src/sdk/webhooks.ts";
import golden from "../golden/replay.json" with { type: "json" };

const [OLD, NEW]: readonly [SigningKey, SigningKey] = [
  { kid: "k1", secret: "o".repeat(40) },
  { kid: "k2", secret: "n".repeat(40) },
];
const bytes = (text: string) => Uint8Array.from(new TextEncoder().encode(text));
const BODY = bytes('{"id":"evt_1"}');
const NOW_MS = 1_800_000_000_000;
const wanted = {
  instance: "shop.test",
  route: "stripe",
  id: "evt_1",
  path: "/webhooks/stripe?a=1",
  receivedAtMs: NOW_MS - 3_600_000,
  exp: NOW_MS + 60_000,
};
const check = {
  keys: [NEW, OLD],
  instance: "shop.test",
  path: "/webhooks/stripe?a=1",
  body: BODY,
  nowMs: NOW_MS,
};

it("says what was replayed, under either of two live keys", async ({ expect }) => {
  for (const key of [OLD, NEW]) {
    const token = await signReplay(key, wanted, BODY);
    expect(await verifyReplay(token, check)).toEqual({
      ok: true,
      value: { ...wanted, v: 1, kid: key.kid },
    });
  }
});

it("is signed as it always was", async ({ expect }) => {
  expect(await signReplay(OLD, wanted, BODY)).toBe(golden.token);
});

it.for([
  ["another body", { body: bytes("{}") }, "forged"],
  ["another path", { path: "/webhooks/stripe" }, "other_path"],
  ["another instance", { instance: "shop.staging" }, "other_instance"],
  ["too late", { nowMs: wanted.exp }, "expired"],
  ["a key that is gone", { keys: [NEW] }, "unknown_key"],
  ["a key of that name with another secret", { keys: [{ ...NEW, kid: "k1" }] }, "forged"],
] as const)("counts for nothing with %s", async ([, changes, error], { expect }) => {
  const token = await signReplay(OLD, wanted, BODY);
  expect(await verifyReplay(token, { ...check, ...changes })).toEqual({ ok: false, error });
});

it("counts for nothing once any of it was changed", async ({ expect }) => {
  const token = await signReplay(OLD, wanted, BODY);
  const [payload = "", mac = ""] = token.split(".");
  const claims: Record<string, unknown> = JSON.parse(
    atob(payload.replaceAll("_", "/").replaceAll("-", "+")),
  );
  for (const [name, value] of Object.entries(claims)) {
    const changed = {
      ...claims,
      [name]: typeof value === "number" ? value + 1 : `${String(value)}x`,
    };
    const forged = btoa(JSON.stringify(changed)).replaceAll("=", "");
    expect((await verifyReplay(`${forged}.${mac}`, check)).ok, name).toBe(false);
  }
});

it("does not fall for noise, and never throws", async ({ expect }) => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.base64String(), async (text, base64) => {
      for (const token of [text, `${base64}.${base64}`]) {
        expect((await verifyReplay(token, check)).ok).toBe(false);
      }
    }),
    { numRuns: 200 },
  );
});

const options = {
  scheme: "shared-secret",
  secret: "the-shared-secret",
  instance: "shop.test",
  signingKeys: JSON.stringify([OLD]),
} as const;
const request = (headers: Record<string, string>, body = "{}") =>
  new Request("https://shop.test/hook", { method: "POST", headers, body });

it("in the app, the SDK takes a delivery and its replay for the same", async ({ expect }) => {
  const direct = await receiveWebhook(
    request({ authorization: "the-shared-secret", "x-id": "d-1" }),
    { ...options, idHeader: "x-id" },
  );
  const now = Date.now();
  const claims = { ...wanted, path: "/hook", id: "d-1", receivedAtMs: now, exp: now + 1_000 };
  const token = await signReplay(OLD, claims, bytes("{}"));
  const replayed = await receiveWebhook(request({ "x-firebreak-replay": token }), options);
  expect(direct).toMatchObject({ ok: true, value: { id: "d-1", isReplay: false } });
  expect(replayed).toMatchObject({
    ok: true,
    value: { id: "d-1", isReplay: true, receivedAtMs: now },
  });
});

it.for([
  ["nothing to show", {}, options, "unsigned"],
  ["another secret", { authorization: "x" }, options, "forged"],
  ["a replay that is none", { "x-firebreak-replay": "a.b" }, options, "replay_malformed"],
  [
    "keys that cannot be read",
    { "x-firebreak-replay": "a.b" },
    { ...options, signingKeys: "[" },
    "misconfigured",
  ],
  [
    "more than it takes",
    { authorization: "the-shared-secret" },
    { ...options, bodyBytesMax: 1 },
    "too_large",
  ],
] as const)("in the app, the SDK refuses %s", async ([, headers, given, error], { expect }) => {
  expect(await receiveWebhook(request(headers), given)).toEqual({ ok: false, error });
});
