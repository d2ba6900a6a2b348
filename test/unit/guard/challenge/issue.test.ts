import fc from "fast-check";
import { it } from "vitest";
import {
  CHALLENGE_LIFE_MS,
  issueChallenge,
  issuedAtMs,
  readChallenge,
  type Reading,
} from "../../../../src/guard/challenge/issue.ts";
import { challengeTerms } from "../../../../src/policy/challenge.ts";
import { sure } from "../../../../src/shared/shape.ts";
import { mintToken, TOKEN_CHARACTERS_MAX, type SigningKey } from "../../../../src/guard/signed.ts";

const NOW_MS = 1_795_000_000_000;
const OLD: SigningKey = { kid: "old", secret: "an-old-secret-of-more-than-32-characters" };
const NEW: SigningKey = { kid: "new", secret: "a-new-secret-of-more-than-32-characters" };
const TERMS = sure(challengeTerms, {});
const ASKED = { instance: "shop.test", host: "shop.example", nowMs: NOW_MS };
const READING: Reading = {
  keys: [NEW, OLD],
  instance: "shop.test",
  host: "shop.example",
  nowMs: NOW_MS,
};
const issue = (key = NEW, terms = TERMS, asked = ASKED) => issueChallenge(key, terms, asked);

it("reads what it issued, with every term", async ({ expect }) => {
  const issued = await issue();
  const read = await readChallenge(issued.token, READING);
  expect(read).toEqual({ ok: true, value: issued });
  expect(issued.claims).toMatchObject({ ...TERMS, n: 16, host: "shop.example" });
  expect(issuedAtMs(issued.claims)).toBe(NOW_MS);
  expect(issued.seed).toHaveLength(32);
});

it("fits where tokens fit, with the longest host and instance", async ({ expect }) => {
  const asked = { ...ASKED, instance: "i".repeat(121), host: "h".repeat(255) };
  const { token } = await issue({ ...NEW, kid: "k".repeat(32) }, TERMS, asked);
  expect(token.length).toBeLessThan(TOKEN_CHARACTERS_MAX);
});

it("is accepted under both live keys, and under neither after its rotation", async ({ expect }) => {
  for (const key of [OLD, NEW]) {
    const { token } = await issue(key);
    expect(await readChallenge(token, READING)).toMatchObject({ ok: true });
    const keys = READING.keys.filter(({ kid }) => kid !== key.kid);
    const read = await readChallenge(token, { ...READING, keys });
    expect(read).toEqual({ ok: false, error: "unknown_key" });
  }
});

it.for([
  ["another instance", { instance: "shop.staging" }, "other_instance"],
  ["another host", { host: "evil.example" }, "other_host"],
  ["another port", { host: "shop.example:8443" }, "other_host"],
  ["its end", { nowMs: NOW_MS + CHALLENGE_LIFE_MS }, "expired"],
  ["another secret under the same kid", { keys: [{ ...NEW, secret: "x".repeat(32) }] }, "forged"],
  ["no keys", { keys: [] }, "unknown_key"],
] as const)("is refused for %s", async ([, changes, error], { expect }) => {
  const { token } = await issue();
  expect(await readChallenge(token, { ...READING, ...changes })).toEqual({ ok: false, error });
});

it("is good until the last millisecond", async ({ expect }) => {
  const { token } = await issue();
  const nowMs = NOW_MS + CHALLENGE_LIFE_MS - 1;
  expect(await readChallenge(token, { ...READING, nowMs })).toMatchObject({ ok: true });
});

const edited = (token: string, change: (claims: Record<string, unknown>) => object): string => {
  const [payload = "", mac = ""] = token.split(".");
  const claims = change(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))));
  return `${btoa(JSON.stringify(claims)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}.${mac}`;
};

it.for([
  ["difficulty lowered", { difficulty: 8 }],
  ["fewer puzzles", { n: 1 }],
  ["a longer life", { exp: NOW_MS + 2 * CHALLENGE_LIFE_MS }],
  ["another nonce", { nonce: "A".repeat(22) }],
  ["no wait", { waitSeconds: 1 }],
  ["a longer clearance", { clearanceSeconds: 14_400 }],
  ["another provider", { provider: "turnstile" }],
  ["another host", { host: "evil.example" }],
  ["another instance", { instance: "shop.other" }],
  ["strictness undone", { isStrict: true }],
  ["the other key's name", { kid: "old" }],
] as const)("is refused when edited after signing: %s", async ([, edit], { expect }) => {
  const { token } = await issue();
  const forged = edited(token, (claims) => ({ ...claims, ...edit }));
  const anywhere = { ...READING, instance: null };
  expect(await readChallenge(forged, anywhere)).toEqual({ ok: false, error: "forged" });
});

it("is not spliced: a character moved from one field to the next is another seed", async ({
  expect,
}) => {
  const moved = await Promise.all([
    issue(NEW, TERMS, { ...ASKED, instance: "shop.test", host: "shop.example" }),
    issue(NEW, TERMS, { ...ASKED, instance: "shop.tes", host: "tshop.example" }),
  ]);
  const [one, other] = moved.map(({ token }) =>
    edited(token, (claims) => ({ ...claims, instance: "shop.test", host: "shop.example" })),
  );
  expect(await readChallenge(one ?? "", READING)).toMatchObject({ ok: true });
  expect(await readChallenge(other ?? "", READING)).toEqual({ ok: false, error: "forged" });
});

it("never passes for a token of another kind, nor another kind for it", async ({ expect }) => {
  const claims = { instance: "shop.test", kind: "clearance", sub: "x", exp: NOW_MS + 1 } as const;
  const token = await mintToken(NEW, claims);
  expect(await readChallenge(token, READING)).toEqual({ ok: false, error: "malformed" });
});

it("answers anything at all without throwing", async ({ expect }) => {
  const { token } = await issue();
  const noise = fc.oneof(
    fc.string(),
    fc.string().map((text) => `${btoa(encodeURIComponent(text))}.AAAA`),
    fc.json().map((text) => `${btoa(encodeURIComponent(text))}.${token.split(".")[1] ?? ""}`),
    fc.constantFrom("a".repeat(TOKEN_CHARACTERS_MAX + 1), `${token}.x`, `.${token}`, "."),
  );
  await fc.assert(
    fc.asyncProperty(noise, async (text) => {
      expect(await readChallenge(text, READING)).toMatchObject({ ok: false });
    }),
  );
});
