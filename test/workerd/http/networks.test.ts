/** Lists over HTTP, kept by a real policy object of the test's own. */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { LIST_BODY_BYTES_MAX } from "../../../src/http/list-body.ts";
import { LISTED_NETWORKS_MAX } from "../../../src/policy/network-table.ts";
import { LIST_CHARS_MAX } from "../../../src/policy/network-list.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { client } from "./api.ts";

const QUERY = "action=block&reason=brute%20force&for=1h";

function fresh() {
  const stub = env.TEST_POLICY.getByName(crypto.randomUUID());
  const policy: PolicyApi = stub;
  const ask = client({ policy });
  type Sent = Parameters<typeof ask>[1];
  const put = (body: string | Uint8Array, sent: Sent = {}, query = QUERY, list = "attackers") =>
    ask(`/api/v1/networks/${list}?${query}`, {
      method: "PUT",
      body,
      ...sent,
      headers: { "content-type": "text/plain", ...sent?.headers },
    });
  const items = async (list = "attackers") => (await ask(`/api/v1/networks/${list}/items`)).text();
  return { policy, ask, put, items };
}

const gzip = async (...chunks: readonly string[]): Promise<Uint8Array> => {
  const left = [...chunks];
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(chunk));
    },
  });
  const packed = source.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
};

describe("a list", () => {
  it("is made, shown, given back, replaced and taken away", async ({ expect }) => {
    const { ask, put, items } = fresh();
    const made = await put("192.0.2.0/24 # scanner\nAS64500\nDE\n2001:db8::/32\n");
    expect(made.status).toBe(200);
    const answer = await made.json<Record<string, unknown>>();
    expect(answer).toMatchObject({
      id: "attackers",
      action: "block",
      mode: "enforce",
      owner: "responder@test",
      reason: "brute force",
      networks: 2,
      asns: [64500],
      countries: ["DE"],
      ja4s: [],
      wrongLines: 0,
      wrong: [],
    });
    const { wrong: _, wrongLines: __, ...head } = answer;
    const read = await ask("/api/v1/networks/attackers", { as: "viewer" });
    expect(await read.json()).toEqual(head);
    expect(read.headers.get("etag")).toBe(made.headers.get("etag"));
    expect(await (await ask("/api/v1/networks")).json()).toEqual({ items: [head], next: null });
    expect(await items()).toBe("AS64500\nDE\n192.0.2.0/24 # scanner\n2001:db8::/32\n");

    expect((await put(await items())).status).toBe(200);
    expect(await items()).toBe("AS64500\nDE\n192.0.2.0/24 # scanner\n2001:db8::/32\n");
    await put("198.51.100.7");
    expect(await items()).toBe("198.51.100.7/32\n");
    expect((await ask("/api/v1/networks/attackers", { method: "DELETE" })).status).toBe(204);
    expect((await ask("/api/v1/networks/attackers")).status).toBe(404);
    expect((await ask("/api/v1/networks/attackers", { method: "DELETE" })).status).toBe(404);
  });

  it("stands in the policy with its table", async ({ expect }) => {
    const { ask, put } = fresh();
    await put("192.0.2.0/24\n2001:db8::/32\nAS64500");
    const policy = await (await ask("/api/v1/policy")).json<Record<string, unknown>>();
    expect(policy).toMatchObject({
      entries: [
        {
          id: "list_attackers",
          kind: "block-networks",
          match: { listed: true, asns: [64500] },
          owner: "responder@test",
        },
      ],
      table: { count: 2 },
      lists: [{ id: "attackers", networks: 2 }],
    });
  });

  it(
    "has 100 000 networks and more, compressed or not",
    { timeout: 60_000 },
    async ({ expect }) => {
      const { ask, put, policy } = fresh();
      const text = Array.from(
        { length: 100_000 },
        (_, n) => `${10 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.0/24`,
      ).join("\n");
      const plain = await put(text);
      expect(await plain.json()).toMatchObject({ networks: 100_000, wrongLines: 0 });
      const { etag } = Object.fromEntries(plain.headers);
      const sent = await gzip(`${text}\n2001:db8::/32\n`);
      const packed = await put(sent, { headers: { "content-encoding": "gzip" } });
      expect(await packed.json()).toMatchObject({ networks: 100_001 });
      expect(packed.headers.get("etag")).not.toBe(etag);
      const { table } = await (
        await ask("/api/v1/policy")
      ).json<{
        table: { sha256: string; bytes: number; count: number };
      }>();
      expect(table.count).toBe(100_001);
      expect((await policy.blob(table.sha256))?.byteLength).toBe(table.bytes);
      expect(table.bytes).toBeLessThan(2 * 1024 * 1024);
    },
  );

  it.for([
    ["application/x-ndjson", '{"network":"192.0.2.0/24","reason":"a"}\n{"asn":64500}\n'],
    ["application/json", '["AS64500", {"network":"192.0.2.0/24","reason":"a"}]'],
    ["text/plain; charset=utf-8", "\uFEFF# feed\nAS64500\n192.0.2.0/24 ; a\n"],
  ] as const)("comes as %s", async ([type, body], { expect }) => {
    const { put, items } = fresh();
    expect((await put(body, { headers: { "content-type": type } })).status).toBe(200);
    expect(await items()).toBe("AS64500\n192.0.2.0/24 # a\n");
  });

  it("keeps what each network says of itself", async ({ expect }) => {
    const { put, items } = fresh();
    const expiresAtMs = Date.now() + 60_000;
    const sent = [{ network: "192.0.2.0/24", reason: 'a "b"\nc', expiresAtMs }];
    await put(JSON.stringify(sent), { headers: { "content-type": "application/json" } });
    expect(JSON.parse(await items())).toEqual({ ...sent[0], reason: 'a "b" c' });
  });
});

describe("a list that is wrong", () => {
  const BAD = "192.0.2.0/24\n192.0.2.7/24\nexample.com\n";

  it("is refused whole, with the number of each wrong line and what to do", async ({ expect }) => {
    const { ask, put } = fresh();
    const answer = await put(BAD);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      type: "/_firebreak/problems/invalid-request",
      wrongLines: 2,
      errors: [
        {
          field: "body line 2",
          message: '"192.0.2.7/24" has bits behind its prefix; the network is 192.0.2.0/24',
        },
        { field: "body line 3", message: '"example.com" is no address' },
      ],
    });
    expect((await ask("/api/v1/networks/attackers")).status).toBe(404);
  });

  it("is taken without its wrong lines on demand", async ({ expect }) => {
    const { put, items } = fresh();
    const answer = await put(BAD, {}, `${QUERY}&partial=accept`);
    expect(await answer.json()).toMatchObject({
      networks: 1,
      wrongLines: 2,
      wrong: [{ line: 2 }, { line: 3 }],
    });
    expect(await items()).toBe("192.0.2.0/24\n");
  });

  it.for([
    ["nothing in it", "# none\n", 422, "the list is empty; take it away instead"],
    ["half of the internet", "0.0.0.0/1", 422, /block more than 25 % of the internet/],
    ["no text", new Uint8Array([0xff, 0xfe, 0x31]), 400, /not UTF-8/],
  ] as const)("is refused with %s", async ([, body, status, detail], { expect }) => {
    const { ask, put } = fresh();
    const answer = await put(body);
    expect(answer.status).toBe(status);
    expect((await answer.json<{ detail: string }>()).detail).toMatch(detail);
    expect(await (await ask("/api/v1/networks")).json()).toEqual({ items: [], next: null });
  });

  it.for([
    ["no expiry", "action=block&reason=a", "query.for"],
    ["too long a life", "action=block&reason=a&for=32d", "query.for"],
    ["an unknown action", "action=drop&reason=a&for=1h", "query.action"],
    ["no reason", "action=block&for=1h", "query.reason"],
  ] as const)("is refused with %s, by name", async ([, query, field], { expect }) => {
    const answer = await fresh().put("192.0.2.0/24", {}, query);
    expect(answer.status).toBe(422);
    const { errors } = await answer.json<{ errors: readonly { field: string }[] }>();
    expect(errors.map((error) => error.field)).toEqual([field]);
  });

  it("that would allow may wait in shadow for a lease that names it", async ({ expect }) => {
    const answer = await fresh().put(
      "192.0.2.0/24",
      {},
      "action=allow&reason=a&for=1h&mode=shadow",
    );
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ action: "allow", mode: "shadow", networks: 1 });
  });

  it("of another type, or compressed in another way, is not read", async ({ expect }) => {
    const { put } = fresh();
    const type = { headers: { "content-type": "application/x-www-form-urlencoded" } };
    expect((await put("192.0.2.0/24", type)).status).toBe(415);
    expect((await put("192.0.2.0/24", { headers: { "content-encoding": "br" } })).status).toBe(415);
    expect((await put("192.0.2.0/24", { headers: { "content-encoding": "gzip" } })).status).toBe(
      400,
    );
  });

  it("needs a responder", async ({ expect }) => {
    expect((await fresh().put("192.0.2.0/24", { as: "viewer" })).status).toBe(403);
  });
});

describe("limits", () => {
  it(
    "of a small body that swells: reading stops, and nothing is kept",
    { timeout: 60_000 },
    async ({ expect }) => {
      const { ask, put } = fresh();
      const megabyte = `${"#".repeat(1024)}\n`.repeat(1023);
      const bomb = await gzip(
        ...Array.from({ length: 2 * (LIST_CHARS_MAX >> 20) }, () => megabyte),
      );
      expect(bomb.byteLength).toBeLessThan(1024 * 1024);
      const answer = await put(bomb, { headers: { "content-encoding": "gzip" } });
      expect(answer.status).toBe(413);
      expect((await ask("/api/v1/networks/attackers")).status).toBe(404);
    },
  );

  it("of the body as sent", async ({ expect }) => {
    const answer = await fresh().put(new Uint8Array(LIST_BODY_BYTES_MAX + 1));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ limitBytes: LIST_BODY_BYTES_MAX });
  });

  it("of all lists together", { timeout: 60_000 }, async ({ expect }) => {
    const { put } = fresh();
    const addresses = (first: number, count: number) =>
      Array.from(
        { length: count },
        (_, n) => `${first}.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
      ).join("\n");
    expect((await put(addresses(10, LISTED_NETWORKS_MAX + 1))).status).toBe(413);
    expect((await put(addresses(10, LISTED_NETWORKS_MAX / 2))).status).toBe(200);
    const second = await put(addresses(11, LISTED_NETWORKS_MAX / 2 + 1), {}, QUERY, "more");
    expect(second.status).toBe(422);
    expect((await second.json<{ detail: string }>()).detail).toMatch(/200001 networks together/);
    expect((await put("198.51.100.7", {}, QUERY, "more")).status).toBe(200);
  });
});

describe("callers that meet", () => {
  it("find out: If-Match must name the list as it is", async ({ expect }) => {
    const { ask, put, items } = fresh();
    expect((await put("192.0.2.0/24", { headers: { "if-match": "*" } })).status).toBe(412);
    const first = await put("192.0.2.0/24");
    const etag = first.headers.get("etag") ?? "";
    expect((await put("192.0.2.1", { headers: { "if-match": etag } })).status).toBe(200);
    expect((await put("192.0.2.2", { headers: { "if-match": etag } })).status).toBe(412);
    const sent = { method: "DELETE", headers: { "if-match": etag } };
    expect((await ask("/api/v1/networks/attackers", sent)).status).toBe(412);
    expect(await items()).toBe("192.0.2.1/32\n");
  });

  it("and a long list is not taken for another one that came under its key", async ({ expect }) => {
    const { put, items } = fresh();
    const comments = "# scanners\n".repeat(100_000);
    const statusOf = async (list: string) => {
      const headers = { "idempotency-key": "k2", "content-length": String(list.length) };
      return (await put(list, { headers })).status;
    };
    expect(await statusOf(`192.0.2.1\n${comments}`)).toBe(200);
    expect(await statusOf(`192.0.2.2\n${comments}`)).toBe(422);
    expect(await statusOf(`192.0.2.1\n${comments}192.0.2.3\n`)).toBe(422);
    expect(await statusOf(`192.0.2.1\n${comments}`)).toBe(200);
    expect(await items()).toBe("192.0.2.1/32\n");
  });

  it("and a caller who repeats itself is not taken for two", async ({ expect }) => {
    const { ask, put, items } = fresh();
    const key = { headers: { "idempotency-key": "k1" } };
    const first = await put("192.0.2.1", key);
    await put("192.0.2.2");
    const again = await put("192.0.2.1", key);
    expect(again.status).toBe(200);
    expect(await items()).toBe("192.0.2.2/32\n");
    expect(first.status).toBe(200);
    const gone = { method: "DELETE", ...key };
    expect((await ask("/api/v1/networks/attackers", gone)).status).toBe(204);
    await put("192.0.2.3");
    expect((await ask("/api/v1/networks/attackers", gone)).status).toBe(204);
    expect(await items()).toBe("192.0.2.3/32\n");
  });
});
