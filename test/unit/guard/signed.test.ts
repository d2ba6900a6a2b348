import fc from "fast-check";
import { it } from "vitest";
import {
  mintToken,
  readSigningKeys,
  TOKEN_CHARACTERS_MAX,
  verifyToken,
  type Verification,
} from "../../../src/guard/signed.ts";
import vectors from "./golden/tokens.json" with { type: "json" };

const KEYS = vectors.keys;
const [OLD, NEW] = [KEYS[0], KEYS[1]];
if (OLD === undefined || NEW === undefined) throw new Error("the golden file has two keys");
const NOW_MS = 1_795_000_000_000;
const claims = { instance: "shop.test", kind: "bypass", sub: "ada", exp: NOW_MS + 1 } as const;
const verification: Verification = {
  keys: KEYS,
  kind: "bypass",
  instance: "shop.test",
  nowMs: NOW_MS,
};

it.for(vectors.tokens)("mints and reads golden token $name", async (vector, { expect }) => {
  const { kid, instance, sub, exp } = vector.claims;
  const kind = vector.claims.kind === "probe" ? "probe" : "bypass";
  const key = KEYS.find((candidate) => candidate.kid === kid);
  if (key === undefined) throw new Error(`the golden file has key ${kid}`);
  expect(await mintToken(key, { instance, kind, sub, exp })).toBe(vector.token);
  expect(await verifyToken(vector.token, { keys: KEYS, kind, instance, nowMs: exp - 1 })).toEqual({
    ok: true,
    value: vector.claims,
  });
});

it("accepts both live keys, and neither after its rotation", async ({ expect }) => {
  for (const key of [OLD, NEW]) {
    const token = await mintToken(key, claims);
    expect(await verifyToken(token, verification)).toMatchObject({ ok: true });
    const keys = KEYS.filter(({ kid }) => kid !== key.kid);
    expect(await verifyToken(token, { ...verification, keys })).toEqual({
      ok: false,
      error: "unknown_key",
    });
  }
});

it("expires at the exact moment", async ({ expect }) => {
  const token = await mintToken(NEW, claims);
  const at = async (nowMs: number) => (await verifyToken(token, { ...verification, nowMs })).ok;
  expect(await at(claims.exp - 1)).toBe(true);
  expect(await at(claims.exp)).toBe(false);
});

it.for([
  ["another instance", { instance: "shop.staging" }, "other_instance"],
  ["another purpose", { kind: "probe" }, "other_kind"],
  ["another secret under the same kid", { keys: [{ ...NEW, secret: "x".repeat(32) }] }, "forged"],
  ["no keys", { keys: [] }, "unknown_key"],
] as const)("refuses a token for %s", async ([, changes, error], { expect }) => {
  const token = await mintToken(NEW, claims);
  expect(await verifyToken(token, { ...verification, ...changes })).toEqual({ ok: false, error });
});

it("takes the key's word for the instance while the guard has no policy", async ({ expect }) => {
  const token = await mintToken(NEW, claims);
  expect((await verifyToken(token, { ...verification, instance: null })).ok).toBe(true);
});

it("refuses claims that were edited after signing", async ({ expect }) => {
  const [payload = "", mac = ""] = (await mintToken(NEW, claims)).split(".");
  const read: object = JSON.parse(atob(payload));
  for (const edit of [{ sub: "eve" }, { exp: claims.exp + 1 }, { instance: "shop.testa" }]) {
    const forged = btoa(JSON.stringify({ ...read, ...edit })).replaceAll("=", "");
    expect(await verifyToken(`${forged}.${mac}`, { ...verification, instance: null })).toEqual({
      ok: false,
      error: "forged",
    });
  }
});

it("keeps fields apart: moving a character from one to the next changes the signature", async ({
  expect,
}) => {
  const one = await mintToken(NEW, { ...claims, instance: "shop.test", sub: "ada" });
  const other = await mintToken(NEW, { ...claims, instance: "shop.tes", sub: "tada" });
  expect(one.split(".")[1]).not.toBe(other.split(".")[1]);
});

it("answers anything at all without throwing", async ({ expect }) => {
  const token = await mintToken(NEW, claims);
  const noise = fc.oneof(
    fc.string(),
    fc.constant("a".repeat(TOKEN_CHARACTERS_MAX + 1)),
    fc.constant(`${token}.x`),
  );
  await fc.assert(
    fc.asyncProperty(noise, async (text) => {
      expect(await verifyToken(text, verification)).toMatchObject({ ok: false });
    }),
  );
});

it.for([
  ["not set", undefined, 0],
  ["empty", " ", 0],
  ["two keys", JSON.stringify(KEYS), 2],
] as const)("reads SIGNING_KEYS: %s", ([, text, count], { expect }) => {
  const read = readSigningKeys(text);
  expect(read.ok && read.value).toHaveLength(count);
});

it.for([
  ["not JSON", "super-secret-value"],
  ["a short secret", '[{"kid":"a","secret":"super-secret-value"}]'],
  ["three keys", JSON.stringify([...KEYS, { kid: "c", secret: "super-secret-value".repeat(2) }])],
])("refuses SIGNING_KEYS without repeating them: %s", ([, text], { expect }) => {
  const read = readSigningKeys(text);
  expect(read).toMatchObject({ ok: false });
  expect(JSON.stringify(read)).not.toContain("super-secret-value");
});
