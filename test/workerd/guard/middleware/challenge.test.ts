/** The challenge for an app without a control plane: the same page, paths and cookie as the guard's. */
import { Hono } from "hono";
import { it } from "vitest";
import { challenge, type ChallengeOptions } from "../../../../src/guard/middleware/challenge.ts";
import { KEY } from "../guarded.ts";
import { cookieOf, HTML, workOf } from "../challenge/challenging.ts";

const OPTIONS: ChallengeOptions = {
  isOn: () => true,
  signingKeys: () => JSON.stringify([KEY]),
  clientAddress: "cloudflare",
  difficulty: 8,
  title: "My App",
};
const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };

function anApp(changes: Partial<ChallengeOptions> = {}) {
  const seen: Request[] = [];
  const app = new Hono();
  app.use(challenge({ ...OPTIONS, ...changes }));
  app.all("*", (c) => {
    seen.push(c.req.raw);
    return c.text("the app");
  });
  const ask = async (path: string, init: RequestInit = {}) =>
    app.request(`https://app.example${path}`, { redirect: "manual", ...init }, {}, context);
  return { ask, seen };
}

it("holds a browser up once, and lets it through to the app", async ({ expect }) => {
  const { ask, seen } = anApp();
  const page = await ask("/cart", { headers: { accept: HTML } });
  const text = await page.text();
  expect([page.status, seen.length]).toEqual([403, 0]);
  expect(text).toContain("My App");
  const paid = await ask("/_firebreak/challenge/redeem", {
    method: "POST",
    headers: { accept: HTML },
    body: new URLSearchParams(workOf(text)),
  });
  expect([paid.status, paid.headers.get("location")]).toEqual([
    303,
    "/_firebreak/challenge/return?to=%2Fcart",
  ]);
  const served = await ask("/cart", { headers: { cookie: `${cookieOf(paid)}; theme=dark` } });
  expect(await served.text()).toBe("the app");
  expect(seen.map(({ headers }) => headers.get("cookie"))).toEqual(["theme=dark"]);
});

type Row = readonly [
  when: string,
  changes: Partial<ChallengeOptions>,
  path: string,
  status: number,
];
it.for([
  ["it is off", { isOn: () => false }, "/", 200],
  ["the switch cannot be read", { isOn: () => Promise.reject(new Error("no")) }, "/", 200],
  ["the route is exempt", { exempt: ["/webhooks/*"] }, "/webhooks/pay", 200],
  ["it is for other routes", { routes: ["/sign-in"] }, "/", 200],
  ["it is for this route", { routes: ["/sign-in"] }, "/sign-in", 403],
  ["there are no keys", { signingKeys: () => undefined }, "/", 200],
  ["the keys are garbage", { signingKeys: () => "nonsense" }, "/", 200],
  [
    "there are no keys, and it fails closed",
    { signingKeys: () => undefined, fail: "closed" },
    "/",
    503,
  ],
] satisfies readonly Row[])("when %s", async ([, changes, path, status], { expect }) => {
  const { ask } = anApp(changes);
  expect((await ask(path, { method: "POST", body: "x" })).status).toBe(status);
});

it("still takes what is paid after it was switched off", async ({ expect }) => {
  let isOn = true;
  const { ask } = anApp({ isOn: () => isOn });
  const fields = workOf(await (await ask("/", { headers: { accept: HTML } })).text());
  isOn = false;
  const init = { method: "POST", headers: { accept: HTML }, body: new URLSearchParams(fields) };
  expect((await ask("/_firebreak/challenge/redeem", init)).status).toBe(303);
});

it("leaves all other paths of that prefix to the app, for who has paid", async ({ expect }) => {
  const { ask, seen } = anApp();
  const page = await ask("/_firebreak/status", { headers: { accept: HTML } });
  expect([page.status, seen.length]).toEqual([403, 0]);
  const paid = await ask("/_firebreak/challenge/redeem", {
    method: "POST",
    body: new URLSearchParams(workOf(await page.text())),
  });
  const served = await ask("/_firebreak/status", { headers: { cookie: cookieOf(paid) } });
  expect(await served.text()).toBe("the app");
});

it("spares verified bots by Cloudflare's word where Cloudflare stands in front, and nowhere else", async ({
  expect,
}) => {
  const cf = { botManagement: { verifiedBot: true } };
  for (const [clientAddress, status] of [
    ["cloudflare", 200],
    ["none", 403],
    [{ header: "x-real-ip" }, 403],
  ] as const) {
    const { ask } = anApp({ clientAddress });
    expect((await ask("/", { cf } as RequestInit)).status).toBe(status);
  }
});

it.for([
  ["clientAddress", { clientAddress: undefined } as object],
  ["difficulty", { difficulty: 7 }],
  ["waitSeconds", { waitSeconds: 121 }],
  ["clearanceSeconds", { clearanceSeconds: 59 }],
  ["routes", { routes: ["sign-in"] }],
  ["title", { title: "" }],
] satisfies readonly (readonly [string, Partial<ChallengeOptions>])[])(
  "throws at construction, naming %s",
  ([name, changes], { expect }) => {
    expect(() => challenge({ ...OPTIONS, ...changes })).toThrow(name);
  },
);
