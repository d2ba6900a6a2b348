/**
 * Who a client is to the guard: what the configuration names, and nothing that the client says of itself. Everything here runs
 * with all that Cloudflare may know of a connection, and with nothing known at all.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { GuardSettings } from "../../../src/policy/policy.ts";
import { forAMinute, guarded } from "./guarded.ts";

const CF: Readonly<Record<string, object>> = {
  "a full request.cf": {
    asn: 64_496,
    asOrganization: "Example",
    colo: "FRA",
    country: "DE",
    city: "Berlin",
    httpProtocol: "HTTP/3",
    tlsVersion: "TLSv1.3",
    tlsClientAuth: { certPresented: "0" },
    botManagement: { verifiedBot: false, score: 60, ja4: "t13d1516h2_8daaf6152771_b186095e22b6" },
  },
  "an empty request.cf": {},
};

const BLOCKED = "192.0.2.7";
const OTHER = "198.51.100.9";
const block = forAMinute({ kind: "block-networks", match: { networks: [BLOCKED] } });
const BY_PROXY = { header: "x-real-ip" } as const;

/** Headers by which clients claim an address, as proxies and their imitators write them. */
const CLAIMS = [
  "x-forwarded-for",
  "x-real-ip",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "fastly-client-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "cf-connecting-o2o",
  "forwarded",
  "via",
] as const;

describe.for(Object.entries(CF))("with %s", ([, cf]) => {
  const statusFor = async (
    headers: Readonly<Record<string, string>>,
    clientAddress: GuardSettings["clientAddress"] = "cloudflare",
  ): Promise<number> => {
    const { ask } = guarded([block], {}, { clientAddress });
    return (await ask("/", { headers, cf } as RequestInit)).status;
  };

  it("knows a client by the address that Cloudflare saw", async ({ expect }) => {
    expect(await statusFor({ "cf-connecting-ip": BLOCKED })).toBe(403);
    expect(await statusFor({ "cf-connecting-ip": OTHER })).toBe(200);
    expect(await statusFor({})).toBe(200);
  });

  it.for(CLAIMS)("lets %s change nothing", async (claim, { expect }) => {
    expect(await statusFor({ "cf-connecting-ip": BLOCKED, [claim]: OTHER })).toBe(403);
    expect(await statusFor({ "cf-connecting-ip": OTHER, [claim]: BLOCKED })).toBe(200);
    expect(await statusFor({ [claim]: `for=${BLOCKED}` })).toBe(200);
  });

  it("does not believe Cloudflare's header behind another proxy", async ({ expect }) => {
    const claimed = { "cf-connecting-ip": OTHER, "x-real-ip": BLOCKED };
    expect(await statusFor(claimed, BY_PROXY)).toBe(403);
    expect(await statusFor({ "cf-connecting-ip": BLOCKED }, BY_PROXY)).toBe(200);
    expect(await statusFor({ "x-real-ip": `${OTHER}, ${BLOCKED}` }, BY_PROXY)).toBe(403);
    expect(await statusFor({ "x-real-ip": `${BLOCKED}, ${OTHER}` }, BY_PROXY)).toBe(200);
  });

  it("knows nobody where the site says that addresses are not known", async ({ expect }) => {
    const claimed = { "cf-connecting-ip": BLOCKED, "x-real-ip": BLOCKED };
    expect(await statusFor(claimed, "none")).toBe(200);
  });

  it.for([
    ["in another spelling", "::ffff:192.0.2.7", 403],
    ["in hexadecimal", "::ffff:c000:207", 403],
    ["with a port", "192.0.2.7:443", 200],
    ["in brackets", "[::ffff:192.0.2.7]", 200],
    ["with a zone id", "::ffff:192.0.2.7%eth0", 200],
    ["with leading zeros", "192.0.2.007", 200],
    ["as one number", "3221225991", 200],
    ["twice", "192.0.2.7, 192.0.2.7", 200],
    ["in an IPv4-compatible address", "::192.0.2.7", 200],
    ["behind NAT64", "64:ff9b::192.0.2.7", 200],
    ["in 6to4", "2002:c000:207::1", 200],
  ] as const)("an address %s: %s", async ([, written, expected], { expect }) => {
    expect(await statusFor({ "cf-connecting-ip": written })).toBe(expected);
  });

  it("matches nobody by an address that is none, and fails for nothing", async ({ expect }) => {
    const piece = fc.constantFrom(
      "192",
      ".",
      "0",
      "2",
      "7",
      ":",
      "%",
      "[",
      "f",
      ",",
      " ",
      "\t",
      "x",
    );
    const anyText = fc.oneof(
      fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join("")),
      fc.string({ unit: "binary-ascii", maxLength: 60 }).map((text) =>
        // What a header may hold at all.
        text.replaceAll(/[\0\r\n]/g, ""),
      ),
    );
    const MEANT: ReadonlySet<string> = new Set(["192.0.2.7"]);
    await fc.assert(
      fc.asyncProperty(anyText, async (written) => {
        const status = await statusFor({ "cf-connecting-ip": written });
        expect(status).toBe(MEANT.has(written.trim()) ? 403 : 200);
      }),
      { numRuns: 200 },
    );
  });
});

describe("where a client is", () => {
  const inGermany = forAMinute({ kind: "block-networks", match: { countries: ["DE"] } });
  const ofTheNetwork = forAMinute({ kind: "block-networks", match: { asns: [64_496] } });

  it.for([
    ["a full request.cf", CF["a full request.cf"], 403],
    ["an empty one", {}, 200],
    ["none", undefined, 200],
    ["garbage in it", { asn: "64496", country: 49, botManagement: "yes" }, 200],
  ] as const)("is read from %s, and from no header", async ([, cf, expected], { expect }) => {
    for (const entry of [inGermany, ofTheNetwork]) {
      const headers = { "cf-connecting-ip": OTHER, "cf-ipcountry": "DE", "x-asn": "64496" };
      const { ask } = guarded([entry]);
      expect((await ask("/", { headers, cf } as RequestInit)).status).toBe(expected);
    }
  });

  it("is the proxy's place behind another proxy, and so nobody's", async ({ expect }) => {
    const headers = { "x-real-ip": OTHER };
    const cf = CF["a full request.cf"];
    const { ask } = guarded([inGermany, ofTheNetwork], {}, { clientAddress: BY_PROXY });
    expect((await ask("/", { headers, cf } as RequestInit)).status).toBe(200);
  });
});

describe("a verified bot", () => {
  const verified = { botManagement: { verifiedBot: true } };
  const headers = { "cf-connecting-ip": BLOCKED };

  it("is one by Cloudflare's word alone", async ({ expect }) => {
    const { ask } = guarded([block]);
    expect((await ask("/", { headers, cf: verified } as RequestInit)).status).toBe(200);
    const named = { ...headers, "user-agent": "Googlebot/2.1", "cf-verified-bot": "true" };
    expect((await ask("/", { headers: named, cf: {} } as RequestInit)).status).toBe(403);
    const claimed = { botManagement: { verifiedBot: "true" } };
    expect((await ask("/", { headers, cf: claimed } as RequestInit)).status).toBe(403);
  });
});
