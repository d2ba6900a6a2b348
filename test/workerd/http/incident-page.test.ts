/** The page behind the link of a message: nobody looks who is not known, nobody acts by another site's form, and nothing is done twice. */
import { describe, it } from "vitest";
import { mintToken, SESSION_COOKIE } from "../../../src/guard/signed.ts";
import { sha256Hex } from "../../../src/shared/ids.ts";
import { instanceOf } from "../../../src/playbooks/site.ts";
import { SESSION_LIFE_MS, subjectOf } from "../../../src/http/sessions.ts";
import { readConfig } from "../../../src/config.ts";
import { shownTo } from "../../../src/http/routes/incident-page.ts";
import { but, client, declared, deps, SIGNING_KEY, testEnv } from "./api.ts";

const ask = client();
const HERE = "https://shop.example";

const form = (fields: Readonly<Record<string, string>>, headers: Record<string, string> = {}) => ({
  as: null,
  method: "POST",
  body: new URLSearchParams(fields).toString(),
  headers: { "content-type": "application/x-www-form-urlencoded", origin: HERE, ...headers },
});
const page = (id: string): string => `/incidents/${id}`;

/** The cookie that a browser has after signing in. */
async function signedIn(role: string, as = ask): Promise<string> {
  const answer = await as("/sign-in", form({ token: `${role}-token`, to: "" }));
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}
const look = (id: string, cookie: string, as = ask) =>
  as(page(id), { as: null, headers: { cookie } });
const pressOf = (text: string): string => /name="press" value="([^"]+)"/.exec(text)?.[1] ?? "";

async function send(
  id: string,
  deed: string,
  fields: Readonly<Record<string, string>>,
  cookie: string,
  headers: Record<string, string> = {},
) {
  const press = pressOf(await (await look(id, cookie)).text());
  return ask(`${page(id)}/${deed}`, form({ press, ...fields }, { cookie, ...headers }));
}
const journalTypes = async (id: string) =>
  (await deps.incident(id).journal(0)).map(({ type }) => type);

describe("whoever is not known", () => {
  it("learns nothing, not even whether there is such an incident", async ({ expect }) => {
    const id = await declared({ title: "Secret trouble" });
    const [there, nowhere] = [
      await ask(page(id), { as: null }),
      await ask(page(`inc_${"0".repeat(26)}`), { as: null }),
    ];
    expect([there.status, nowhere.status]).toEqual([401, 401]);
    const text = await there.text();
    expect(text).not.toContain("Secret trouble");
    expect(text.replaceAll(id, "")).toBe(
      (await nowhere.text()).replaceAll(`inc_${"0".repeat(26)}`, ""),
    );
  });

  it("is not let in by a token that is none", async ({ expect }) => {
    const answer = await ask("/sign-in", form({ token: "nobody's", to: page("x") }));
    expect(answer.status).toBe(401);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(await answer.text()).not.toContain("nobody&#39;s");
  });

  it.for([
    ["forged", async () => `${await session({})}x`],
    ["of another kind", async () => session({ kind: "bypass" })],
    ["of another instance", async () => session({ instance: "shop.staging" })],
    ["over", async () => session({ exp: Date.now() - 1 })],
    ["of a token that nobody has", async () => session({ sub: "0".repeat(32) })],
  ] as const)("is not let in by a session that is %s", async ([, token], { expect }) => {
    const id = await declared();
    expect((await look(id, `${SESSION_COOKIE}=${await token()}`)).status).toBe(401);
  });

  it("is let in by one that is none of these", async ({ expect }) => {
    const id = await declared();
    expect((await look(id, `${SESSION_COOKIE}=${await session({})}`)).status).toBe(200);
    const twice = `${SESSION_COOKIE}=${await session({})}; ${SESSION_COOKIE}=${await session({})}`;
    expect((await look(id, twice)).status).toBe(401);
  });

  it("is whoever's token was taken away, from then on", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    expect((await look(id, cookie)).status).toBe(200);
    const without = client({ tokens: deps.tokens.filter(({ role }) => role !== "responder") });
    expect((await look(id, cookie, without)).status).toBe(401);
  });

  it("is told why nobody can sign in where nothing can be signed", async ({ expect }) => {
    const keyless = client({ signingKeys: [] });
    const asked = await (await keyless(page(await declared()), { as: null })).text();
    expect(asked).toContain("SIGNING_KEYS");
    expect(asked).not.toContain("<form");
    const answer = await keyless("/sign-in", form({ token: "responder-token", to: "" }));
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("SIGNING_KEYS is not set");
  });
});

it.for([
  [
    { PUBLIC_URL: HERE, INCIDENTS_URL: "https://firebreak.shop.example/" },
    "https://firebreak.shop.example",
  ],
  [{ PUBLIC_URL: HERE }, HERE],
  [{}, null],
] as const)("is linked to where %j says", ([vars, url], { expect }) => {
  const { PUBLIC_URL: _, ...bare } = testEnv;
  expect(readConfig({ ...bare, ...vars }).incidentsUrl).toBe(url);
});

describe("a session", () => {
  it("is for this path only, and holds no token", async ({ expect }) => {
    const id = await declared();
    const answer = await ask(
      "/sign-in",
      form({ token: "responder-token", to: `/_firebreak${page(id)}` }),
    );
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `/_firebreak${page(id)}`,
    ]);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/; Path=\/_firebreak(?:;|$)/);
    for (const part of [
      "HttpOnly",
      "Secure",
      "SameSite=Lax",
      `Max-Age=${SESSION_LIFE_MS / 1_000}`,
    ]) {
      expect(cookie).toContain(part);
    }
    expect(cookie).not.toContain("responder-token");
    expect(atob((cookie.split("=")[1] ?? "").split(".")[0] ?? "")).not.toContain("responder");
  });

  it.for(["https://evil.example/", "//evil.example", "/_firebreak/status", "/"])(
    "leads to no other place than an incident: %s",
    async (to, { expect }) => {
      const answer = await ask("/sign-in", form({ token: "responder-token", to }));
      expect([answer.status, answer.headers.get("location")]).toEqual([200, null]);
    },
  );

  it("reads the API, and writes nothing there", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const read = await ask(`/api/v1/incidents/${id}`, { as: null, headers: { cookie } });
    const write = await ask(`/api/v1/incidents/${id}/acknowledge`, {
      as: null,
      body: {},
      headers: { cookie },
    });
    expect([read.status, write.status]).toEqual([200, 401]);
  });

  it.for([
    ["a script of the site", { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }],
    ["a frame of it", { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" }],
  ] as const)("is not for %s, which has our origin", async ([, headers], { expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const read = await ask(`/api/v1/incidents/${id}`, {
      as: null,
      headers: { cookie, ...headers },
    });
    const looked = await ask(page(id), { as: null, headers: { cookie, ...headers } });
    const sent = await send(id, "acknowledge", {}, cookie, headers);
    expect([read.status, looked.status, sent.status]).toEqual([401, 401, 401]);
    const visit = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    expect((await ask(page(id), { as: null, headers: { cookie, ...visit } })).status).toBe(200);
  });

  it("is over when its owner signs out", async ({ expect }) => {
    const answer = await ask("/sign-out", form({}, { cookie: await signedIn("responder") }));
    expect(answer.headers.get("set-cookie")).toMatch(
      /^__Secure-firebreak-session=; Max-Age=0; Path=\/_firebreak/,
    );
  });
});

describe("a form of the page", () => {
  it("is a command in the name of whoever sent it", async ({ expect }) => {
    const id = await declared();
    const answer = await send(
      id,
      "note",
      { text: "the pool is full" },
      await signedIn("responder"),
    );
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `/_firebreak${page(id)}`,
    ]);
    const row = (await deps.incident(id).journal(0)).at(-1);
    expect(row).toMatchObject({
      type: "incident.noted",
      actor: { kind: "person", id: "responder@test" },
      data: { text: "the pool is full" },
    });
  });

  it("is done once, however often it is sent; written anew it is another", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const press = pressOf(await (await look(id, cookie)).text());
    for (const text of ["once", "once", "another"]) {
      await ask(`${page(id)}/note`, form({ press, text }, { cookie }));
    }
    const notes = (await journalTypes(id)).filter((type) => type === "incident.noted");
    expect(notes).toHaveLength(2);
  });

  it("is refused to whoever may only look, and not shown to them", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("viewer");
    const text = await (await look(id, cookie)).text();
    expect(text).toContain("and may look only");
    expect(text).not.toContain(`action="/_firebreak/incidents/`);
    const press = `prs_${"0".repeat(26)}`;
    const answer = await ask(`${page(id)}/acknowledge`, form({ press }, { cookie }));
    expect(answer.status).toBe(403);
    expect(await journalTypes(id)).not.toContain("incident.acknowledged");
  });

  it.for([
    ["of another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
    ["of a neighbour", { origin: "https://other.shop.example", "sec-fetch-site": "same-site" }],
    ["that does not say whence it comes", { origin: "" }],
    ["of nowhere", { origin: "null", "sec-fetch-site": "cross-site" }],
  ] as const)("%s does nothing", async ([, headers], { expect }) => {
    const id = await declared();
    const answer = await send(id, "acknowledge", {}, await signedIn("responder"), headers);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("another site");
    expect(await journalTypes(id)).not.toContain("incident.acknowledged");
  });

  it.for([
    ["nothing in it", "note", { text: "  " }, "text: must be said", null],
    ["an unknown severity", "severity", { severity: "SEV-9", why: "worse" }, "severity: ", "worse"],
    ["no mitigation", "approve", { about: "lse_x" }, "about: names no mitigation", null],
    ["an unknown supplier", "support", { supplier: "x", why: "y" }, "the contact sheet", null],
    [
      "an address for all",
      "updates",
      { message: "ask 203.0.113.7", status: "" },
      "the message is not public",
      "203.0.113.7",
    ],
  ] as const)(
    "with %s is refused, and what was written is kept",
    async ([, deed, fields, why, kept], { expect }) => {
      const id = await declared({ severity: "SEV-2" });
      const answer = await send(id, deed, fields, await signedIn("responder"));
      const text = await answer.text();
      expect(answer.status).toBe(409);
      expect(text).toContain(`Nothing was done: ${why}`);
      if (kept !== null) expect(text).toMatch(new RegExp(`>\\s*(?:ask )?${kept}</textarea>`));
    },
  );

  it("that asks for a reason says so, and takes it", async ({ expect }) => {
    const id = await declared({ severity: "SEV-2" });
    const cookie = await signedIn("responder");
    await send(id, "resolve", { why: "" }, cookie);
    expect((await deps.incident(id).view())?.status).toBe("resolved");
    const early = await send(id, "reopen", { why: "" }, cookie);
    expect(early.status).toBe(409);
    expect((await send(id, "reopen", { why: "it is back" }, cookie)).status).toBe(303);
    expect((await deps.incident(id).view())?.status).not.toBe("resolved");
  });

  it("saves the post-mortem and says that it is complete", async ({ expect }) => {
    const id = await declared({ severity: "SEV-3" });
    const cookie = await signedIn("responder");
    await send(id, "resolve", { why: "over" }, cookie);
    const drafted = await (await look(id, cookie)).text();
    expect(drafted).toContain("Timeline");
    await send(id, "postmortem", { markdown: "# What we learnt\n\nMuch.", saved_at: "0" }, cookie);
    expect(await (await look(id, cookie)).text()).toContain("# What we learnt");
    await send(id, "complete", { why: "nothing is left" }, cookie);
    expect((await deps.incident(id).view())?.postmortem).toBe("completed");
  });

  it("made up by whoever was shown no page does nothing", async ({ expect }) => {
    const [id, other] = [await declared(), await declared()];
    const cookie = await signedIn("responder");
    const press = pressOf(await (await look(other, cookie)).text());
    const theirs = pressOf(await (await look(id, await signedIn("admin"))).text());
    const mine = { kind: "press", sub: shownTo(id, { name: "responder@test" }) } as const;
    const over = await session({ ...mine, exp: Date.now() - 1 });
    const notOurs = await session({ ...mine, instance: "shop.staging" });
    const another = await session({ ...mine, kind: "session" });
    for (const wrong of ["", "x", press, theirs, over, notOurs, another, `${press}x`]) {
      const answer = await ask(`${page(id)}/acknowledge`, form({ press: wrong }, { cookie }));
      expect(answer.status).toBe(409);
    }
    expect(await journalTypes(id)).not.toContain("incident.acknowledged");
    const right = form({ press: await session(mine) }, { cookie });
    expect((await ask(`${page(id)}/acknowledge`, right)).status).toBe(303);
  });

  it("that failed is shown with what was written, and sent again it is done once", async ({
    expect,
  }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const press = pressOf(await (await look(id, cookie)).text());
    // Done, and the answer lost.
    const failing = client({
      incident: (wanted) =>
        but(() => deps.incident(wanted), {
          handle: async (command) => {
            await deps.incident(wanted).handle(command);
            throw Object.assign(new Error("overloaded"), { overloaded: true });
          },
        }),
    });
    const fields = form({ press, text: "what I know\r\nand more" }, { cookie });
    const failed = await failing(`${page(id)}/note`, fields);
    const text = await failed.text();
    expect([failed.status, failed.headers.get("content-type")]).toEqual([
      503,
      "text/html; charset=utf-8",
    ]);
    expect(text).toContain("what I know\nand more</textarea>");
    expect(text).toContain(`action="/_firebreak${page(id)}/note"`);
    expect(text).toContain(press);
    await ask(`${page(id)}/note`, form({ press, text: "what I know\nand more" }, { cookie }));
    const notes = (await deps.incident(id).journal(0)).filter(
      ({ type }) => type === "incident.noted",
    );
    expect(notes.map(({ data }) => data)).toMatchObject([{ text: "what I know\nand more" }]);
  });

  it("that comes when nobody is signed in any more gives the words back", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const press = pressOf(await (await look(id, cookie)).text());
    const answer = await ask(`${page(id)}/note`, form({ press, text: "long thoughts" }));
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain("long thoughts</textarea>");
  });

  it("does not write over a post-mortem that somebody else saved meanwhile", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    await send(id, "resolve", { why: "over" }, cookie);
    await send(id, "postmortem", { markdown: "# Theirs", saved_at: "0" }, cookie);
    const late = await send(id, "postmortem", { markdown: "# Mine", saved_at: "0" }, cookie);
    const text = await late.text();
    expect(late.status).toBe(409);
    expect(text).toContain("# Mine</textarea>");
    // Whose answer was lost sends it again: it is there.
    const again = await send(id, "postmortem", { markdown: "# Theirs", saved_at: "0" }, cookie);
    expect(again.status).toBe(303);
    expect((await journalTypes(id)).filter((type) => type === "postmortem.saved")).toHaveLength(1);
    expect(
      (await deps.incident(id).journal(0)).findLast(({ type }) => type === "postmortem.saved")
        ?.data,
    ).toMatchObject({
      markdown: "# Theirs",
    });
  });

  it("is of a page that is there for a journal of any length", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const long = client({
      incident: (wanted) =>
        but(() => deps.incident(wanted), {
          view: async () => {
            const view = await deps.incident(wanted).view();
            return view === null ? null : { ...view, seq: 2_003 };
          },
        }),
    });
    const answer = await look(id, cookie, long);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("earlier lines are in");
  });

  it("leaves the browser at an address that leads back to the page", async ({ expect }) => {
    const id = await declared();
    const answer = await ask(`${page(id)}/note`, { as: null });
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      `/_firebreak${page(id)}`,
    ]);
  });

  it("that nobody can read is said to be one", async ({ expect }) => {
    const id = await declared();
    const cookie = await signedIn("responder");
    const headers = { cookie, origin: HERE, "content-type": "multipart/form-data" };
    const answer = await ask(`${page(id)}/note`, { as: null, method: "POST", body: "x", headers });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("no form that can be read");
  });

  it("there is none of", async ({ expect }) => {
    const id = await declared();
    for (const deed of ["constructor", "delete", "toString"]) {
      expect((await send(id, deed, {}, await signedIn("responder"))).status).toBe(404);
    }
  });

  it("does nothing to an incident that there is not", async ({ expect }) => {
    const cookie = await signedIn("responder");
    const press = `prs_${"0".repeat(26)}`;
    const nowhere = `inc_${"0".repeat(26)}`;
    expect((await look(nowhere, cookie)).status).toBe(404);
    const answer = await ask(`${page(nowhere)}/acknowledge`, form({ press }, { cookie }));
    expect(answer.status).toBe(404);
  });
});

const session = (given: Partial<Parameters<typeof mintToken>[1]>) =>
  mintToken(SIGNING_KEY, {
    instance: instanceOf(deps.bundle.site),
    kind: "session",
    sub: subjectOf({ sha256: sha256Hex("responder-token") }),
    exp: Date.now() + 60_000,
    ...given,
  });
