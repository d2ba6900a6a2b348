import { readFileSync } from "node:fs";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, it } from "vitest";
import { z } from "zod";
import {
  secretsIn,
  TOLERANCE_SECONDS,
  verifyDelivery,
  type SchemeName,
} from "../../../../src/guard/write-journal/schemes.ts";
import { sha256Hex } from "../../../../src/shared/ids.ts";

const vectors = z
  .array(z.looseObject({ scheme: z.string() }))
  .parse(
    JSON.parse(
      readFileSync(
        new URL("../../../fixtures/webhooks/signature-vectors.json", import.meta.url),
        "utf8",
      ),
    ),
  );

function vector(scheme: string): Readonly<Record<string, string>> {
  const found = vectors.find((one) => one.scheme === scheme);
  return z.record(z.string(), z.string()).parse(found);
}

const bytes = (text: string) => Uint8Array.from(new TextEncoder().encode(text));

const STRIPE = vector("stripe v1");
const STANDARD = vector("standard-webhooks v1");
const GITHUB = vector("github X-Hub-Signature-256");

type Signed = {
  readonly scheme: SchemeName;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly secret: string;
  readonly atMs: number;
};

const SIGNED = {
  stripe: {
    scheme: "stripe",
    headers: { "stripe-signature": STRIPE["header"] ?? "" },
    body: STRIPE["body"] ?? "",
    secret: STRIPE["secret"] ?? "",
    atMs: Number(STRIPE["timestamp"]) * 1_000,
  },
  "standard-webhooks": {
    scheme: "standard-webhooks",
    headers: {
      "webhook-id": STANDARD["webhook-id"] ?? "",
      "webhook-timestamp": STANDARD["webhook-timestamp"] ?? "",
      "webhook-signature": STANDARD["header"] ?? "",
    },
    body: STANDARD["body"] ?? "",
    secret: STANDARD["secret"] ?? "",
    atMs: Number(STANDARD["webhook-timestamp"]) * 1_000,
  },
  "hmac-sha256": {
    scheme: "hmac-sha256",
    headers: { "x-hub-signature-256": GITHUB["header"] ?? "" },
    body: GITHUB["body"] ?? "",
    secret: GITHUB["secret"] ?? "",
    atMs: 0,
  },
  "shared-secret": {
    scheme: "shared-secret",
    headers: { authorization: "Bearer a-long-shared-secret" },
    body: "{}",
    secret: "a-long-shared-secret",
    atMs: 0,
  },
} as const satisfies Record<SchemeName, Signed>;

const verify = (signed: Signed, changes: Partial<Signed> & { readonly idHeader?: string } = {}) => {
  const { scheme, headers, body, secret, atMs, idHeader = null } = { ...signed, ...changes };
  return verifyDelivery(
    { headers: new Headers(headers), body: bytes(body) },
    { scheme, header: null, idHeader },
    { secrets: secretsIn(secret), nowMs: atMs },
  );
};

describe.for(Object.values(SIGNED) as readonly Signed[])("$scheme", (signed) => {
  const [header = ""] = Object.keys(signed.headers).filter(
    (name) => !/-(?:id|timestamp)$/.test(name),
  );

  it("takes the published vector", async ({ expect }) => {
    expect(await verify(signed)).toMatchObject({ ok: true });
  });

  it("takes either of two live secrets, in any order", async ({ expect }) => {
    expect(await verify(signed, { secret: `another\n${signed.secret}` })).toMatchObject({
      ok: true,
    });
    expect(await verify(signed, { secret: `${signed.secret}\r\nanother` })).toMatchObject({
      ok: true,
    });
  });

  it("refuses another secret, and none", async ({ expect }) => {
    expect(await verify(signed, { secret: "another" })).toEqual({ ok: false, error: "forged" });
    expect(await verify(signed, { secret: " " })).toEqual({ ok: false, error: "forged" });
  });

  it("refuses a delivery that is not signed", async ({ expect }) => {
    const headers = { ...signed.headers, [header]: "" };
    expect(await verify(signed, { headers })).toEqual({ ok: false, error: "unsigned" });
  });

  it("does not fall for noise, and never throws", async ({ expect }) => {
    const noise = fc.string({ unit: fc.constantFrom(..."tv1=,. abf09+/Bwhsec_sha256;".split("")) });
    await fc.assert(
      fc.asyncProperty(noise, async (text) => {
        const result = await verify(signed, { headers: { ...signed.headers, [header]: text } });
        expect(result.ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe.for([SIGNED.stripe, SIGNED["standard-webhooks"], SIGNED["hmac-sha256"]] as const)(
  "$scheme, which signs the body",
  (signed) => {
    it("refuses any other body", async ({ expect }) => {
      expect(await verify(signed, { body: `${signed.body} ` })).toEqual({
        ok: false,
        error: "forged",
      });
    });
  },
);

describe.for([SIGNED.stripe, SIGNED["standard-webhooks"]] as const)(
  "$scheme, which signs the time",
  (signed) => {
    it.for([
      [TOLERANCE_SECONDS, true],
      [TOLERANCE_SECONDS + 1, "too_old"],
      [-TOLERANCE_SECONDS, true],
      [-TOLERANCE_SECONDS - 1, "too_new"],
    ] as const)("%d s after it was signed: %s", async ([seconds, expected], { expect }) => {
      const result = await verify(signed, { atMs: signed.atMs + seconds * 1_000 });
      expect(result.ok ? true : result.error).toBe(expected);
    });
  },
);

describe("the id of a delivery", () => {
  const idOf = async (...args: Parameters<typeof verify>) => {
    const result = await verify(...args);
    return result.ok ? result.value.id : result.error;
  };

  it("is the sender's own where it is signed, and the body's hash where none is", async ({
    expect,
  }) => {
    expect(await idOf(SIGNED.stripe)).toBe("evt_test");
    expect(await idOf(SIGNED["standard-webhooks"])).toBe("msg_p5jXN8AQM9LWM0D4loKWxJek");
    expect(await idOf(SIGNED["hmac-sha256"])).toBe(sha256Hex("Hello, World!"));
  });

  it("is not taken from a header that anybody may have written", async ({ expect }) => {
    const headers = { ...SIGNED["hmac-sha256"].headers, "x-github-delivery": "mine" };
    expect(await idOf(SIGNED["hmac-sha256"], { headers })).toBe(sha256Hex("Hello, World!"));
  });

  it("is nobody's with a shared secret, unless a header is named", async ({ expect }) => {
    const headers = { ...SIGNED["shared-secret"].headers, "x-id": "d-1" };
    expect(await idOf(SIGNED["shared-secret"])).toBeNull();
    expect(await idOf(SIGNED["shared-secret"], { headers, idHeader: "x-id" })).toBe("d-1");
  });
});

it("takes what the vendors' own libraries sign", async ({ expect }) => {
  const { secret } = SIGNED["standard-webhooks"];
  const at = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(at.getTime() / 1_000),
    "webhook-signature": new Webhook(secret).sign("msg_1", at, "{}"),
  };
  const given = { headers, body: "{}", atMs: at.getTime() };
  expect(await verify(SIGNED["standard-webhooks"], given)).toMatchObject({ ok: true });
});
