import { Webhook } from "standardwebhooks";
import { describe, it } from "vitest";
import { startVendors } from "../../../dev/vendors.ts";
import { cloudflareStatus } from "../../../dev/vendors/cloudflare-status.ts";
import { pager } from "../../../dev/vendors/pager.ts";
import { keep } from "../../support/servers.ts";

const SECRET = `whsec_${Buffer.from("0123456789abcdef01234567").toString("base64")}`;

async function vendors() {
  const server = keep(await startVendors({ vendors: [cloudflareStatus(), pager(SECRET)] }));
  const control = async (name: string, method = "GET", body?: unknown) => {
    const response = await fetch(`${server.url}/__vendor/${name}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: method === "GET" ? await response.json() : null };
  };
  return { url: server.url, control };
}

describe("the Cloudflare status page", () => {
  it("reads as Statuspage does, and as it was set", async ({ expect }) => {
    const { url, control } = await vendors();
    const read = async (document: string): Promise<unknown> =>
      (await fetch(`${url}/cloudflare-status/api/v2/${document}.json`)).json();
    expect(await read("status")).toEqual({
      page: expect.objectContaining({ name: "Cloudflare", time_zone: "Etc/UTC" }),
      status: { indicator: "none", description: "All Systems Operational" },
    });
    expect(await control("cloudflare-status", "PUT", { indicator: "major" })).toMatchObject({
      status: 204,
    });
    expect(await read("summary")).toMatchObject({
      status: { indicator: "major", description: "Partial System Outage" },
      components: [],
      incidents: [],
    });
    expect(await control("cloudflare-status", "PUT", { indicator: "bad" })).toMatchObject({
      status: 400,
    });
  });

  const faults: readonly [kind: string, status: number, body: RegExp][] = [
    ["403", 403, /Forbidden/],
    ["429", 429, /Too Many/],
    ["5xx", 503, /Unavailable/],
    ["garbage", 200, /^\{"status": \{"indic$/],
  ];
  for (const [kind, status, body] of faults) {
    it(`fails with ${kind} as often as asked, then works again`, async ({ expect }) => {
      const { url, control } = await vendors();
      const ask = () => fetch(`${url}/cloudflare-status/api/v2/status.json`);
      await control("cloudflare-status", "POST", { kind, times: 2 });
      for (const response of [await ask(), await ask()]) {
        expect(response.status).toBe(status);
        expect(await response.text()).toMatch(body);
      }
      expect((await ask()).status).toBe(200);
      expect(await control("cloudflare-status")).toMatchObject({
        body: { calls: [{ fault: kind, status }, { fault: kind, status }, { fault: null }] },
      });
    });
  }

  it("keeps a caller waiting on timeout", async ({ expect }) => {
    const { url, control } = await vendors();
    await control("cloudflare-status", "POST", { kind: "timeout" });
    const signal = AbortSignal.timeout(150);
    await expect(fetch(`${url}/cloudflare-status/api/v2/status.json`, { signal })).rejects.toThrow(
      "timeout",
    );
    expect(await control("cloudflare-status")).toMatchObject({
      body: { calls: [{ fault: "timeout", status: null }] },
    });
  });
});

describe("the pager", () => {
  const BODY = '{"type":"incident.opened","data":{"severity":"SEV-1"}}';
  const signed = (id: string, body = BODY, at = new Date()) => ({
    "Content-Type": "application/json",
    Authorization: "Bearer not-to-be-kept",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(SECRET).sign(id, at, body),
  });
  const page = (url: string, headers: Record<string, string>, body = BODY) =>
    fetch(`${url}/pager`, { method: "POST", headers, body });

  it("accepts a signed message once, however often it comes", async ({ expect }) => {
    const { url, control } = await vendors();
    const first = await page(url, signed("msg_1"));
    const second = await page(url, signed("msg_1"));
    expect([first.status, await first.json()]).toEqual([200, { accepted: true, duplicate: false }]);
    expect([second.status, await second.json()]).toEqual([
      200,
      { accepted: true, duplicate: true },
    ]);
    expect(await control("pager")).toMatchObject({
      body: { state: { pages: [{ id: "msg_1", payload: JSON.parse(BODY), deliveries: 2 }] } },
    });
  });

  it("keeps every call, without credentials", async ({ expect }) => {
    const { url, control } = await vendors();
    await page(url, signed("msg_1"));
    const { body } = await control("pager");
    expect(body).toMatchObject({ calls: [{ method: "POST", path: "/", body: BODY, status: 200 }] });
    expect(JSON.stringify(body)).not.toContain("not-to-be-kept");
  });

  const HOUR_MS = 3_600_000;
  const refusals: readonly [what: string, Record<string, string>, string, number][] = [
    ["another body than was signed", signed("msg_1"), '{"type":"other"}', 401],
    ["an old timestamp", signed("msg_1", BODY, new Date(Date.now() - HOUR_MS)), BODY, 401],
    ["a timestamp of the future", signed("msg_1", BODY, new Date(Date.now() + HOUR_MS)), BODY, 401],
    ["no signature", { "Content-Type": "application/json" }, BODY, 401],
    ["a body that is not JSON", signed("msg_1", "{"), "{", 400],
    ["another content type", { ...signed("msg_1"), "Content-Type": "text/plain" }, BODY, 415],
    ["a body without bounds", signed("msg_1", "x".repeat(70_000)), "x".repeat(70_000), 413],
  ];
  for (const [what, headers, body, status] of refusals) {
    it(`refuses ${what}`, async ({ expect }) => {
      const { url, control } = await vendors();
      expect((await page(url, headers, body)).status).toBe(status);
      expect(await control("pager")).toMatchObject({ body: { state: { pages: [] } } });
    });
  }

  it("makes a duplicate of a sender that repeats after a lost answer", async ({ expect }) => {
    const { url, control } = await vendors();
    await control("pager", "POST", { kind: "duplicate" });
    expect((await page(url, signed("msg_1"))).status).toBe(502);
    expect(await (await page(url, signed("msg_1"))).json()).toMatchObject({ duplicate: true });
  });

  it("forgets everything on DELETE", async ({ expect }) => {
    const { url, control } = await vendors();
    await page(url, signed("msg_1"));
    await control("pager", "POST", { kind: "5xx", times: 5 });
    await control("pager", "DELETE");
    expect(await control("pager")).toMatchObject({
      body: { state: { pages: [] }, fault: null, calls: [] },
    });
  });

  it("refuses a fault that does not exist", async ({ expect }) => {
    const { control } = await vendors();
    expect(await control("pager", "POST", { kind: "fire" })).toMatchObject({ status: 400 });
  });
});
