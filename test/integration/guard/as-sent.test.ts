/** What clients write by hand, over the wire to real workerd, whose requests are not what `new Request` would make of them. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { bundle } from "../../../bench/workerd/bundle.ts";
import { startWorkerd, type Workerd } from "../../../bench/workerd/process.ts";

const WAYS = ["challenge", "maintenance", "read-only"] as const;
const directory = mkdtempSync(join(tmpdir(), "firebreak-as-sent-"));

let workerd: Workerd;
beforeAll(async () => {
  await bundle({ app: "test/workerd/guard/as-sent-app.ts" }, directory);
  workerd = await startWorkerd({
    name: "as-sent",
    directory,
    services: WAYS.map((way) => ({
      name: way,
      of: { kind: "worker", module: "app.js", bindings: { GUARDED_BY: { text: way } } },
    })),
    sockets: WAYS.map((way) => ({ name: way, service: way })),
    core: null,
  });
});
afterAll(async () => {
  await workerd[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

type Sent = {
  readonly method?: string;
  readonly target: string;
  readonly host?: string;
  readonly headers?: readonly string[];
};

/** The head of the answer to a request of exactly these bytes. */
async function headOf(way: (typeof WAYS)[number], sent: Sent): Promise<string> {
  const { method = "GET", target, host = "shop.example", headers = [] } = sent;
  const socket = connect(workerd.port(way), "127.0.0.1");
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers];
  socket.write(Buffer.from(`${lines.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`, "latin1"));
  let said = "";
  socket.on("data", (chunk: Buffer) => {
    said += chunk.toString("latin1");
    if (said.includes("\r\n\r\n")) socket.end();
  });
  await once(socket, "close");
  return said.split("\r\n\r\n")[0] ?? "";
}

const isServed = (head: string): boolean => /^x-production:/im.test(head);

const TARGETS = [
  "/",
  "/checkout/../webhooks/pay",
  "/checkout/%2e%2e/webhooks/pay",
  "/checkout\\..\\webhooks\\pay",
  "/webhooks\\pay",
  "/webhooks/../checkout",
  "/webhooks/..%2fcheckout",
  "/webhooks/..;/checkout",
  "/webhooks;/pay",
  "//webhooks/pay",
  "/Webhooks/pay",
  "/webhooks",
  "/%77ebhooks/pay",
  "/checkout?/webhooks/pay",
  "/checkout#/webhooks/pay",
  "http://shop.example/checkout",
  "/_firebreak/checkout",
  "/_firebreak/challenge/../../checkout",
] as const;
const HOSTS = [
  "shop.example",
  "shop.example:99999",
  "[::1",
  "a b",
  "shop.example#",
  "shop.example?x=",
  "shop.example\\checkout?",
] as const;
const HEADERS: readonly (readonly string[])[] = [
  [],
  ["Accept: text/html"],
  ["Accept: text/html", "Origin: \xe2\x82\xac\xff\x01", "User-Agent: \xf0\x9f"],
  ["Cookie: __Host-firebreak-clearance=a.b; __Host-firebreak-bypass=%ff;;=;"],
  [
    "X-Forwarded-For: 127.0.0.1",
    "CF-Connecting-IP: ::ffff:127.0.0.1%1",
    "X-Original-URL: /webhooks/x",
  ],
];

it.for(["challenge", "maintenance"] as const)(
  "in %s nothing is served but what is exempt, however it is written",
  async (way, { expect }) => {
    for (const host of HOSTS) {
      for (const target of TARGETS) {
        for (const headers of HEADERS) {
          const head = await headOf(way, { target, host, headers });
          const what = JSON.stringify([host, target, headers]);
          expect(isServed(head), what).toBe(false);
          expect(head, what).toMatch(/^HTTP\/1\.1 (?:403|404|405|400|503|303) /);
        }
      }
    }
    expect(isServed(await headOf(way, { target: "/webhooks/pay" }))).toBe(true);
  },
);

it.for(["POST", "PUT", "PATCH", "DELETE", "PURGE", "HEAD", "GET"])(
  "in maintenance and when challenged, by %s as well",
  async (method, { expect }) => {
    for (const way of ["challenge", "maintenance"] as const) {
      for (const type of ["text/html", "text/plain", "application/json", "x/y", ""]) {
        const headers = [`Content-Type: ${type}`, `Accept: ${type}`];
        const head = await headOf(way, { method, target: "/checkout", headers });
        expect(head, `${way} ${type}`).toMatch(/^HTTP\/1\.1 (?:403|503) /);
        expect(isServed(head)).toBe(false);
      }
    }
  },
);

it("in read-only nothing is written, and what only reads is served", async ({ expect }) => {
  const wrong: Sent[] = [
    { method: "POST", target: "/checkout" },
    { method: "POST", target: "/checkout/../webhooks/pay" },
    { method: "POST", target: "/webhooks\\pay" },
    { method: "POST", target: "/x;", host: "shop.example:99999" },
    { method: "POST", target: "/graphql", host: "shop.example:99999" },
    { target: "/graphql?query=mutation%7Bx%7D" },
    { target: "/x/../graphql?query=mutation%7Bx%7D" },
    { target: "/graphql?query=mutation%7Bx%7D", host: "shop.example:99999" },
    { target: "/live", headers: ["Upgrade: websocket", "Connection: Upgrade"] },
  ];
  for (const sent of wrong) {
    expect(isServed(await headOf("read-only", sent)), JSON.stringify(sent)).toBe(false);
  }
  const right: Sent[] = [
    { target: "/checkout" },
    { target: "/graphql?query=%7Bx%7D" },
    { method: "HEAD", target: "/checkout/../x", host: "a b" },
    { method: "POST", target: "/webhooks/pay" },
  ];
  for (const sent of right) {
    expect(isServed(await headOf("read-only", sent)), JSON.stringify(sent)).toBe(true);
  }
});
