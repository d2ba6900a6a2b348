import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { aScope, client, declared, deps } from "./api.ts";

const ask = client();
const UNKNOWN_ID = "inc_01ARZ3NDEKTSV4RRFFQ69G5FAV";

describe("declare", () => {
  it("opens an incident and says where it is", async ({ expect }) => {
    const body = { title: "Checkout is slow", severity: "SEV-3", scope: aScope() };
    const response = await ask("/api/v1/incidents", { body });
    const incident = await response.json<{ id: string }>();

    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`/_firebreak/api/v1/incidents/${incident.id}`);
    expect(incident).toMatchObject({
      title: "Checkout is slow",
      severity: "SEV-3",
      times: { detectedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), resolvedAt: null },
    });
    const read = await ask(`/api/v1/incidents/${incident.id}`, { as: "viewer" });
    expect(await read.json()).toMatchObject({ id: incident.id });
  });

  it("joins the open incident of the same scope", async ({ expect }) => {
    const scope = aScope();
    const first = await declared({ scope });
    const again = await ask("/api/v1/incidents", {
      body: { title: "Still slow", severity: "SEV-3", scope },
    });
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ id: first, title: "Checkout is slow" });
  });

  it("does once what one Idempotency-Key asks for twice", async ({ expect }) => {
    const wanted = {
      body: { title: "Once", severity: "SEV-4", scope: aScope() },
      headers: { "idempotency-key": crypto.randomUUID() },
    };
    const first = await (await ask("/api/v1/incidents", wanted)).json<{ id: string }>();
    await ask(`/api/v1/incidents/${first.id}/resolve`, { method: "POST" });
    const again = await (await ask("/api/v1/incidents", wanted)).json();
    // Without the key, a declaration after the resolution would reopen it.
    expect(again).toMatchObject({ id: first.id, status: "resolved" });
  });

  it("takes a playbook's params and name from the bundle, and refuses unknown ones", async ({
    expect,
  }) => {
    const body = { title: "Down", severity: "SEV-1", scope: aScope(), drill: true };
    const opened = await ask("/api/v1/incidents", { body: { ...body, playbook: "outage" } });
    const refused = await ask("/api/v1/incidents", { body: { ...body, playbook: "outrage" } });
    expect(await opened.json()).toMatchObject({ playbook: "outage", drill: true });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      errors: [
        {
          field: "body.playbook",
          value: "outrage",
          allowed: "api-abuse, data-corruption, database, ddos, outage, payments, security",
        },
      ],
    });
  });
});

describe("list", () => {
  it("pages from the newest to the oldest without a gap", async ({ expect }) => {
    const ids = [await declared(), await declared(), await declared()];
    const page = await (
      await ask("/api/v1/incidents?limit=2", { as: "viewer" })
    ).json<{
      items: { id: string }[];
      next: string;
    }>();
    const rest = await (
      await ask(`/api/v1/incidents?limit=1&before=${page.next}`)
    ).json<{
      items: { id: string }[];
    }>();
    expect([...page.items, ...rest.items].map(({ id }) => id)).toEqual(ids.toReversed());
  });
});

describe("commands", () => {
  it("walk an incident from acknowledgement to a completed post-mortem", async ({ expect }) => {
    const id = await declared();
    const path = `/api/v1/incidents/${id}`;
    const steps = [
      ["acknowledge", undefined],
      ["lead", { lead: "ada" }],
      ["note", { text: "The pool is exhausted." }],
      ["severity", { severity: "SEV-2", why: "half of the orders fail" }],
      ["escalate", { why: "we need a database person" }],
      ["resolve", { why: "raised the pool" }],
      ["reopen", { why: "it came back" }],
      ["acknowledge", undefined],
      ["resolve", undefined],
      ["postmortem/complete", undefined],
    ] as const;
    for (const [name, body] of steps) {
      const answer = await ask(`${path}/${name}`, { method: "POST", body });
      expect(answer.status, `${name}: ${await answer.clone().text()}`).toBe(200);
    }
    expect(await (await ask(path)).json()).toMatchObject({
      status: "resolved",
      severity: "SEV-2",
      lead: "ada",
      acknowledgedBy: "responder@test",
      postmortem: "completed",
    });
  });

  it("keep the checklist, and a post-mortem from being complete while it is open", async ({
    expect,
  }) => {
    const body = { title: "Down", severity: "SEV-1", scope: aScope(), playbook: "outage" };
    const { id } = await (await ask("/api/v1/incidents", { body })).json<{ id: string }>();
    const path = `/api/v1/incidents/${id}`;
    const post = (name: string, body?: unknown) => ask(`${path}/${name}`, { method: "POST", body });
    expect((await post("checklist/tick", { item: 1, why: "the pool was exhausted" })).status).toBe(
      200,
    );
    expect((await post("checklist/tick", { item: 3 })).status).toBe(200);
    expect((await post("checklist/untick", { item: 3, why: "it was another page" })).status).toBe(
      200,
    );
    expect(await (await post("checklist/tick", { item: 1 })).json()).toMatchObject({
      reason: "already_ticked",
    });
    expect((await post("checklist/tick", { item: 31 })).status).toBe(409);
    for (const item of [-1, 32, 1.5, "1"]) {
      expect((await post("checklist/tick", { item })).status).toBe(422);
    }
    const incident = await (await ask(path)).json<{ checklist: unknown[] }>();
    expect(incident.checklist).toHaveLength(6);
    expect(incident.checklist).toMatchObject([
      {
        item: 0,
        text: "Service restored and verified",
        seenBy: "signals",
        ticked: false,
        by: null,
      },
      {
        item: 1,
        seenBy: "people",
        ticked: true,
        by: "responder@test",
        why: "the pool was exhausted",
      },
      { item: 2, seenBy: "signals", ticked: false, at: null },
      {
        item: 3,
        seenBy: "record",
        ticked: false,
        by: "responder@test",
        why: "it was another page",
      },
      { item: 4, by: null },
      { item: 5, by: null },
    ]);
    await post("resolve", { why: "over" });
    const refused = await post("postmortem/complete");
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ reason: "reason_required" });
    // The desk hears of it with the incident's next alarm.
    await runDurableObjectAlarm(env.INCIDENT.getByName(id));
    const { items } = await (
      await ask("/api/v1/postmortems")
    ).json<{ items: { incident: string }[] }>();
    expect(items.find(({ incident }) => incident === id)).toMatchObject({ isOverdue: false });
    expect(await (await ask(`${path}/postmortem.json`)).json()).toMatchObject({
      incident: id,
      source: "draft",
      dueAt: expect.stringMatching(/Z$/),
      timeline: expect.arrayContaining([expect.objectContaining({ text: expect.any(String) })]),
      actions: [{ action: expect.stringContaining("root cause") }],
    });
    const markdown = await (await ask(`${path}/postmortem.md`)).text();
    expect(markdown).toMatch(/- \[x\] Root cause identified - ticked .* the pool was exhausted/);
    expect(markdown).toContain("- [ ] Customer communication sent - not seen yet");
    expect((await post("postmortem/complete", { why: "it was nobody's" })).status).toBe(200);
  });

  it("refuses the second acknowledgement with a reason people can read", async ({ expect }) => {
    const path = `/api/v1/incidents/${await declared()}/acknowledge`;
    await ask(path, { method: "POST" });
    const second = await ask(path, { method: "POST", as: "admin" });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({
      type: "/_firebreak/problems/command-refused",
      reason: "already_acknowledged",
      detail: "responder@test acknowledged it already",
    });
  });

  it("gives the same answer to the same key, without doing it again", async ({ expect }) => {
    const id = await declared();
    const wanted = { body: { text: "once" }, headers: { "idempotency-key": "note-1" } };
    const first = await (await ask(`/api/v1/incidents/${id}/note`, wanted)).json();
    const again = await (await ask(`/api/v1/incidents/${id}/note`, wanted)).json();
    expect(again).toEqual(first);
    const rows = await deps.incident(id).journal(0);
    expect(rows.filter((row) => row.type === "incident.noted")).toHaveLength(1);
  });

  it("are for responders, and for incidents that exist", async ({ expect }) => {
    const id = await declared();
    const before = await deps.incident(id).view();
    const byViewer = await ask(`/api/v1/incidents/${id}/acknowledge`, {
      method: "POST",
      as: "viewer",
    });
    const nowhere = await ask(`/api/v1/incidents/${UNKNOWN_ID}/acknowledge`, { method: "POST" });
    expect([byViewer.status, nowhere.status]).toEqual([403, 404]);
    expect((await deps.incident(id).view())?.seq).toBe(before?.seq);
  });
});

describe("journal", () => {
  it("is read page by page, with times that people read", async ({ expect }) => {
    const id = await declared();
    const { items } = await (
      await ask(`/api/v1/incidents/${id}/journal`)
    ).json<{
      items: { seq: number; type: string }[];
    }>();
    expect(items[0]).toMatchObject({
      seq: 1,
      type: "incident.opened",
      actor: { kind: "person", id: "responder@test" },
      data: { incidentId: id, onsetAt: expect.stringMatching(/Z$/) },
    });
    const after = await (
      await ask(`/api/v1/incidents/${id}/journal?after=${items.length}`)
    ).json<{ items: unknown[] }>();
    expect(after).toEqual({ items: [], next: null });
  });
});

describe("post-mortem", () => {
  it("is drafted from the journal, until somebody saves their own words", async ({ expect }) => {
    const id = await declared({ title: "Search is down" });
    const path = `/api/v1/incidents/${id}/postmortem`;
    const draft = await (await ask(path)).json<{ markdown: string }>();
    expect(draft).toMatchObject({ incident: id, source: "draft" });
    expect(draft.markdown).toContain(id);

    const saved = await ask(path, {
      method: "PUT",
      body: "# What happened\n\nWe know now.",
      headers: { "content-type": "text/markdown" },
    });
    expect(saved.status).toBe(200);
    const asMarkdown = await ask(path, { headers: { accept: "text/markdown" } });
    const asFile = await ask(`${path}.md`);
    expect(asMarkdown.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
    expect(await asMarkdown.text()).toBe("# What happened\n\nWe know now.");
    expect(await asFile.text()).toBe("# What happened\n\nWe know now.");
  });

  it.for([
    ["nothing", {}, 422],
    ["an empty text", { body: { markdown: " " } }, 422],
    ["another kind of text", { body: "x", headers: { "content-type": "text/html" } }, 415],
    ["too much", { body: { markdown: "x".repeat(600_000) } }, 413],
  ] as const)("refuses to save %s", async ([, wanted, status], { expect }) => {
    const path = `/api/v1/incidents/${await declared()}/postmortem`;
    const answer = await ask(path, { method: "PUT", ...wanted });
    expect(answer.status).toBe(status);
    expect(await (await ask(path)).json()).toMatchObject({ source: "draft" });
  });
});

describe("malformed requests", () => {
  const right = { title: "t", severity: "SEV-1", scope: "malformed" };

  it.for([
    ["not JSON", "{", "application/json", 400, "malformed-body"],
    ["another content type", "{}", "text/plain", 415, "unsupported-media-type"],
    ["no content type", "{}", "", 415, "unsupported-media-type"],
    [
      "too large",
      JSON.stringify({ title: "x".repeat(70_000) }),
      "application/json",
      413,
      "payload-too-large",
    ],
    ["an array", "[]", "application/json", 422, "invalid-request"],
    [
      "a misspelt field",
      JSON.stringify({ ...right, drlil: true }),
      "application/json",
      422,
      "invalid-request",
    ],
    [
      "a wrong scope",
      JSON.stringify({ ...right, scope: "../x" }),
      "application/json",
      422,
      "invalid-request",
    ],
    [
      "an endless title",
      JSON.stringify({ ...right, title: "x".repeat(201) }),
      "application/json",
      422,
      "invalid-request",
    ],
  ] as const)(
    "%s is refused, and nothing changes",
    async ([, body, type, status, slug], { expect }) => {
      const before = await deps.desk.list({});
      const answer = await ask("/api/v1/incidents", {
        method: "POST",
        body,
        headers: { "content-type": type },
      });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(await answer.json()).toMatchObject({ type: `/_firebreak/problems/${slug}`, status });
      expect(await deps.desk.list({})).toEqual(before);
    },
  );

  it.for(["", "wrong", "viewer-tokenx", "a b"])(
    "a wrong token %j gets one vague answer",
    async (token, { expect }) => {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await ask("/api/v1/incidents", { as: null, headers });
      const body = await answer.text();
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="firebreak"');
      expect(JSON.parse(body)).toMatchObject({ detail: "A valid bearer token is needed." });
    },
  );

  it("an unknown id of the right shape, and one of the wrong shape, are both not found", async ({
    expect,
  }) => {
    const answers = await Promise.all(
      [UNKNOWN_ID, "inc_1", "..%2fdesk"].map((id) => ask(`/api/v1/incidents/${id}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });
});
