import fc from "fast-check";
import { it } from "vitest";
import {
  browserOf,
  isPaid,
  NO_CLEARANCE,
  NO_KEY,
  readSubject,
  subjectOf,
  type Price,
} from "../../../../src/guard/challenge/clearance.ts";
import {
  Clearances,
  clearanceCookie,
  KNOWN_COOKIES_MAX,
} from "../../../../src/guard/challenge/clearances.ts";
import { issueChallenge } from "../../../../src/guard/challenge/issue.ts";
import { CLEARANCE_COOKIE, mintToken, type SigningKey } from "../../../../src/guard/signed.ts";
import {
  challengeTerms,
  PROVIDERS,
  type ChallengeTerms,
} from "../../../../src/policy/challenge.ts";
import { sure } from "../../../../src/shared/shape.ts";

const NOW_MS = 1_795_000_000_000;
const OLD: SigningKey = { kid: "old", secret: "an-old-secret-of-more-than-32-characters" };
const NEW: SigningKey = { kid: "new", secret: "a-new-secret-of-more-than-32-characters" };
const PHONE =
  "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
const DESK = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
const AT = { instance: "shop.test", nowMs: NOW_MS };
const WORK: Price = { way: "work", difficulty: 14 };
const as = (userAgent: string) => ({
  method: "GET",
  url: "https://shop.example/",
  headers: new Headers({ "user-agent": userAgent }),
});

async function cookieFor(
  price: Price,
  key = NEW,
  terms: Partial<ChallengeTerms> = {},
): Promise<string> {
  const { claims } = await issueChallenge(
    key,
    { ...sure(challengeTerms, {}), ...terms },
    {
      instance: "shop.test",
      host: "shop.example",
      nowMs: NOW_MS,
    },
  );
  const { setCookie } = await clearanceCookie(key, claims, { price, userAgent: PHONE });
  return /^__Host-firebreak-clearance=([^;]+);/.exec(setCookie)?.[1] ?? "";
}

it("is a cookie of this host, for scripts to leave alone, for a while", async ({ expect }) => {
  const { claims } = await issueChallenge(NEW, sure(challengeTerms, {}), {
    ...AT,
    host: "shop.example",
  });
  const of = (price: Price) => clearanceCookie(NEW, claims, { price, userAgent: PHONE });
  const { setCookie, seconds } = await of(WORK);
  expect(setCookie).toMatch(
    new RegExp(
      `^${CLEARANCE_COOKIE}=[\\w-]+\\.[\\w-]+; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax$`,
    ),
  );
  expect(seconds).toBe(3_600);
  expect((await of({ way: "wait", seconds: 20 })).seconds).toBe(600);
  // The same challenge met twice, anywhere, is the same cookie.
  expect((await of(WORK)).setCookie).toBe(setCookie);
});

it("is read by every isolate that has the key, until it ends", async ({ expect }) => {
  const cookie = await cookieFor(WORK);
  const clearances = new Clearances([NEW]);
  const endMs = NOW_MS + 5 * 60_000 + 3_600_000;
  const read = (nowMs: number) => clearances.read(cookie, as(PHONE), { ...AT, nowMs });
  expect(await read(NOW_MS)).toEqual({ kind: "paid", price: WORK });
  expect(await read(endMs - 1)).toEqual({ kind: "paid", price: WORK });
  expect(await read(endMs)).toEqual(NO_CLEARANCE);
});

it("is not verified again: the second answer comes at once", async ({ expect }) => {
  const cookie = await cookieFor(WORK);
  const clearances = new Clearances([NEW]);
  expect(clearances.read(cookie, as(PHONE), AT)).toBeInstanceOf(Promise);
  await clearances.read(cookie, as(PHONE), AT);
  expect(clearances.read(cookie, as(PHONE), AT)).toEqual({ kind: "paid", price: WORK });
  expect(clearances.read(cookie, as(DESK), AT)).toEqual(NO_CLEARANCE);
  expect(clearances.read(cookie, as(PHONE), { ...AT, instance: "shop.other" })).toEqual(
    NO_CLEARANCE,
  );
});

it("outlives the rotation of its key by the other live one, and no more", async ({ expect }) => {
  const cookie = await cookieFor(WORK, OLD);
  const read = (keys: readonly SigningKey[]) => new Clearances(keys).read(cookie, as(PHONE), AT);
  expect(await read([OLD])).toMatchObject({ kind: "paid" });
  expect(await read([NEW, OLD])).toMatchObject({ kind: "paid" });
  expect(await read([NEW])).toEqual(NO_CLEARANCE);
  expect(await read([])).toEqual(NO_KEY);
});

it.for([
  ["another kind of browser", DESK, "shop.test"],
  ["another instance", PHONE, "shop.staging"],
] as const)("counts for nothing with %s", async ([, userAgent, instance], { expect }) => {
  const cookie = await cookieFor(WORK);
  const read = new Clearances([NEW]).read(cookie, as(userAgent), { ...AT, instance });
  expect(await read).toEqual(NO_CLEARANCE);
});

it("is no bypass, and a bypass is none", async ({ expect }) => {
  const claims = {
    instance: "shop.test",
    kind: "bypass",
    sub: "work-18/chrome-mobile",
    exp: NOW_MS + 1,
  } as const;
  const cookie = await mintToken(NEW, claims);
  expect(await new Clearances([NEW]).read(cookie, as(PHONE), AT)).toEqual(NO_CLEARANCE);
});

it("reads any cookie without throwing", async ({ expect }) => {
  const clearances = new Clearances([NEW]);
  const cookie = await cookieFor(WORK);
  const noise = fc.oneof(
    fc.string(),
    fc.base64String(),
    fc.nat(cookie.length - 1).map((at) => cookie.slice(0, at)),
  );
  await fc.assert(
    fc.asyncProperty(noise, fc.string(), async (text, userAgent) => {
      const safe = userAgent.replaceAll(/[^\x20-\x7e]/g, "");
      expect(await clearances.read(text, as(safe), AT)).toEqual(NO_CLEARANCE);
    }),
  );
});

it("remembers a bounded number of them", async ({ expect }) => {
  const clearances = new Clearances([NEW]);
  const first = await cookieFor(WORK);
  await clearances.read(first, as(PHONE), AT);
  const claims = {
    instance: "shop.test",
    kind: "clearance",
    sub: subjectOf(WORK, "other-desk"),
  } as const;
  for (let n = 0; n < KNOWN_COOKIES_MAX; n++) {
    await clearances.read(await mintToken(NEW, { ...claims, exp: NOW_MS + 1 + n }), as(PHONE), AT);
  }
  expect(clearances.read(first, as(PHONE), AT)).toBeInstanceOf(Promise);
});

const terms = fc.record({
  difficulty: fc.integer({ min: 8, max: 18 }),
  provider: fc.constantFrom(...PROVIDERS),
  waitSeconds: fc.integer({ min: 0, max: 120 }),
  clearanceSeconds: fc.constant(3_600),
  isStrict: fc.boolean(),
});
const pricesFor = ({ difficulty, provider, waitSeconds }: ChallengeTerms): readonly Price[] => [
  { way: "work", difficulty },
  ...(provider === "turnstile" ? [{ way: "turnstile" } as const] : []),
  ...(waitSeconds > 0 ? [{ way: "wait", seconds: waitSeconds } as const] : []),
];

it("whatever way was offered and paid, is enough for the terms that offered it", ({ expect }) => {
  fc.assert(
    fc.property(terms, (asked) => {
      for (const price of pricesFor(asked))
        expect(isPaid({ kind: "paid", price }, asked)).toBe(true);
    }),
  );
});

it("nobody is sent back and forth between two challenges: paying by work for both ends", ({
  expect,
}) => {
  fc.assert(
    fc.property(terms, terms, (one, other) => {
      let price: Price = { way: "work", difficulty: one.difficulty };
      let paidTimes = 0;
      for (const asked of [other, one, other, one]) {
        if (isPaid({ kind: "paid", price }, asked)) continue;
        paidTimes += 1;
        const { difficulty } = asked;
        price = { way: "work", difficulty };
      }
      expect(paidTimes).toBeLessThanOrEqual(2);
    }),
  );
});

it("less is never enough", ({ expect }) => {
  const asked = sure(challengeTerms, {});
  const paid = (price: Price) => isPaid({ kind: "paid", price }, asked);
  expect(paid({ ...WORK, difficulty: 13 })).toBe(false);
  expect(paid({ ...WORK, difficulty: 15 })).toBe(true);
  expect(paid({ way: "wait", seconds: 19 })).toBe(false);
  expect(
    isPaid({ kind: "paid", price: { way: "wait", seconds: 120 } }, { ...asked, waitSeconds: 0 }),
  ).toBe(false);
  expect(isPaid(NO_CLEARANCE, asked)).toBe(false);
  expect(isPaid(NO_KEY, asked)).toBe(false);
});

it("writes what was paid so that it reads the same", ({ expect }) => {
  fc.assert(
    fc.property(terms, fc.constantFrom(PHONE, DESK, ""), (asked, userAgent) => {
      const browser = browserOf(userAgent);
      for (const price of pricesFor(asked)) {
        expect(readSubject(subjectOf(price, browser))).toEqual({ price, browser });
      }
    }),
  );
  expect(readSubject("gold-9/chrome-mobile")).toBeNull();
});

it.for([
  [PHONE, "chrome-mobile"],
  [DESK, "firefox-desk"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "safari-mobile",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
    "edge-desk",
  ],
  ["curl/8.9.1", "other-desk"],
  ["", "other-desk"],
] as const)("knows %s as %s", ([userAgent, browser], { expect }) => {
  expect(browserOf(userAgent)).toBe(browser);
  expect(browserOf(userAgent.replaceAll(/\d+/g, "999"))).toBe(browser);
});
