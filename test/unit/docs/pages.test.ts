/** What the pages in docs/ say about the code is read from the code here: a page that is not true fails. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { vocabulary } from "../../../scripts/vocabulary.ts";
import { readMatchers } from "../../../src/alerts/matchers.ts";
import { STATUS_OF } from "../../../src/incidents/public.ts";
import { EVENT_DATA } from "../../../src/incidents/journal.ts";
import { WAYS_BACK, WAY_REASONS } from "../../../src/integrity/recovery-plan.ts";
import { planPolls, siteParams } from "../../../src/monitor/cadence.ts";
import { actuatorWords } from "../../../src/mitigations/registry.ts";
import { webhook } from "../../../src/notify/channels/webhook.ts";
import { MESSAGE_REASONS } from "../../../src/notify/news.ts";
import { checkPlaybooks } from "../../../src/playbooks/check.ts";
import { formatDiagnostic } from "../../../src/playbooks/diagnostics.ts";
import { playbook } from "../../../src/playbooks/schema.ts";
import { quietAlerts } from "../../../src/playbooks/site-alerts.ts";
import { chase, throttle } from "../../../src/playbooks/site-people.ts";
import { USUAL_TEMPLATES } from "../../../src/playbooks/site-templates.ts";
import type { SourceId } from "../../../src/signals/catalogue.ts";
import { SOURCES } from "../../../src/signals/registry.ts";
import type { Mood } from "../../../src/signals/source.ts";
import { MESSAGE } from "../../contract/channel.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
/** The fenced blocks of a language. */
const blocks = (page: string, language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );
/** The cells of every table row, without their code marks. */
const rows = (page: string): readonly (readonly string[])[] =>
  [...page.matchAll(/^\|(.*)\|$/gm)].map(([, row = ""]) =>
    row.split("|").map((cell) => cell.trim().replaceAll("`", "")),
  );
const words = (page: string): ReadonlySet<string> =>
  new Set([...page.matchAll(/`([^`\n]+)`/g)].map(([, word = ""]) => word));

describe("docs/playbooks.md", () => {
  const page = read("docs/playbooks.md");
  const [example = ""] = blocks(page, "yaml");
  const check = (text: string) =>
    checkPlaybooks(
      [
        { name: "playbooks/slow-database.yaml", text },
        { name: "playbooks/site.yaml", text: read("playbooks/site.yaml") },
      ],
      vocabulary(),
    );

  it("shows a playbook that loads", ({ expect }) => {
    expect(check(example)).toMatchObject({ ok: true });
  });

  it("quotes the diagnostic that laundering unknown gives", ({ expect }) => {
    const clear = "clear: postgres.latency_ms < params.slow_ms * 0.5";
    const laundered = check(example.replace(clear, 'clear: "!known(postgres.latency_ms)"'));
    if (laundered.ok) return expect.unreachable();
    expect(blocks(page, "text").join("\n")).toContain(laundered.error.map(formatDiagnostic)[0]);
  });

  it("names every key", ({ expect }) => {
    const named = [...words(page)].flatMap((word) => word.split(/[.[\]]+/));
    expect(named).toEqual(expect.arrayContaining(Object.keys(playbook.shape)));
    expect(named).toEqual(expect.arrayContaining(Object.keys(playbook.shape.recover.shape)));
  });

  it("tells what each actuator masks, and how it is released", ({ expect }) => {
    for (const [id, words] of Object.entries(actuatorWords())) {
      const row = rows(page).find(([name]) => name === id);
      expect(row?.[2]).toBe(words.masks.length === 0 ? "nothing" : words.masks.join(", "));
      expect(row?.[3]).toBe(words.kind === "act" ? "never" : words.release.replace("_", " "));
    }
  });
});

describe("docs/incidents.md", () => {
  it("lists every type of event", ({ expect }) => {
    const listed = [...words(read("docs/incidents.md"))].filter((word) =>
      /^(?:incident|rule|evidence|step|lease|act|message|public|checklist|status|postmortem)\.[a-z_]+$/.test(
        word,
      ),
    );
    expect(listed.toSorted()).toEqual(Object.keys(EVENT_DATA).toSorted());
  });

  it("has the table of states that is read in public", ({ expect }) => {
    const table = rows(read("docs/incidents.md"))
      .filter(([states = ""]) => states.split(", ").every((state) => state in STATUS_OF))
      .flatMap(([states = "", status, says]) =>
        states.split(", ").map((state) => [state, { status, says }] as const),
      );
    const told = Object.entries(STATUS_OF).map(
      ([state, status]) => [state, { status, says: USUAL_TEMPLATES.external[status] }] as const,
    );
    expect(Object.fromEntries(table)).toEqual(Object.fromEntries(told));
  });
});

describe("docs/alerts.md", () => {
  const page = read("docs/alerts.md");

  it("shows a silence whose matchers are read", ({ expect }) => {
    const [silence = ""] = blocks(page, "json").filter((block) => block.includes("matchers"));
    const { matchers } = z
      .looseObject({ matchers: z.array(z.string()) })
      .parse(JSON.parse(silence));
    expect(readMatchers(matchers)).toMatchObject({ ok: true });
  });

  it("shows rules for quiet alerts that load, and the numbers that are the defaults", ({
    expect,
  }) => {
    const [rules = ""] = blocks(page, "yaml").filter((block) => block.startsWith("alerts:"));
    const parsed = quietAlerts.parse(
      z.looseObject({ alerts: z.unknown() }).parse(parse(rules)).alerts,
    );
    expect(parsed.inhibit).toHaveLength(1);
    expect(parsed.flapping).toEqual(quietAlerts.parse(undefined).flapping);
  });
});

describe("docs/notifications.md", () => {
  const page = read("docs/notifications.md");
  const [secret = "", body = ""] = blocks(page, "json");

  it("shows the throttle, and the post-mortem's page the reminders, that are the defaults", ({
    expect,
  }) => {
    const shown = (text: string, key: string): unknown => {
      const block = blocks(text, "yaml").find((one) => one.startsWith(`${key}:`)) ?? "";
      return z.record(z.string(), z.unknown()).parse(parse(block))[key];
    };
    expect(shown(page, "throttle")).toEqual(throttle.parse(undefined));
    expect(shown(read("docs/postmortem.md"), "chase")).toEqual(chase.parse(undefined));
  });

  it("lists every reason", ({ expect }) => {
    const named = words(page);
    for (const reason of MESSAGE_REASONS) expect(named).toContain(reason);
  });

  it("shows a secret that is accepted", ({ expect }) => {
    expect(webhook.problemsWith(JSON.parse(secret))).toEqual([]);
  });

  it("shows the body as it is sent", async ({ expect }) => {
    let sent: unknown = null;
    await webhook.deliver(MESSAGE, JSON.parse(secret), {
      atMs: 0,
      deadlineMs: 1_000,
      async fetch(_url, init) {
        sent = await new Request("https://hooks.example", init).json();
        return new Response(null, { status: 204 });
      },
    });
    expect(shape(JSON.parse(body))).toEqual(shape(sent));
  });
});

/** The keys of an object, and of those inside. */
const shape = (value: unknown): unknown =>
  typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
    : typeof value;

describe("docs/cost.md", () => {
  const page = read("docs/cost.md");
  const dayMs = 86_400_000;
  const params = siteParams([], 0);

  /** Runs a day of ticks, and counts the polls of a source. */
  function pollsPerDay(source: SourceId, mood: Mood, cadenceMs: number): number {
    let lastAtMs: number | undefined;
    let polls = 0;
    for (let atMs = 0; atMs < dayMs; atMs += cadenceMs) {
      const polledAtMs = lastAtMs === undefined ? {} : { [source]: lastAtMs };
      if (planPolls([SOURCES[source]], polledAtMs, { atMs, mood, params }).length === 0) continue;
      lastAtMs = atMs;
      polls += 1;
    }
    return polls;
  }

  it.for(Object.values(SOURCES).map(({ id }) => id))("counts the polls of %s", (id, { expect }) => {
    const calmMs = Number(params["cadence_calm"]);
    const alertMs = Number(params["cadence_alert"]);
    const row = rows(page).find(([name]) => name === id);
    expect(row?.slice(1)).toEqual([
      String(pollsPerDay(id, "idle", calmMs)),
      String(pollsPerDay(id, "busy", calmMs)),
      String(pollsPerDay(id, "alert", alertMs)),
    ]);
  });

  it("computes what its formulas say", ({ expect }) => {
    const n = dayMs / Number(params["cadence_calm"]);
    const number = (cell: string): number => Number(cell.replaceAll(/\s/g, ""));
    const said = new Map(rows(page).map((row) => [row[0], row]));
    const totals = {
      "Durable Object requests": n * 17 + 1_440 * 2 + 24 * 6 + 288 * 2,
      "rows written": n * 5,
      "rows read": n * 13,
      "requests to production": n * (2 * 2 + 1),
    };
    for (const [what, total] of Object.entries(totals)) {
      expect(number(said.get(what)?.[2] ?? ""), what).toBe(total);
    }
    expect(number(said.get("counters")?.[2] ?? "")).toBe(86_400);
    const pollMs = Number(params["policy_poll_calm"]);
    expect(number(said.get("policy")?.[2] ?? "")).toBe(dayMs / pollMs);
  });
});

describe("docs/deploy.md", () => {
  it("names every secret and var that the Workers read", ({ expect }) => {
    const page = read("docs/deploy.md");
    const declared = [...read("src/env.ts").matchAll(/readonly ([A-Z_]+)\??: /g)].map(
      ([, name = ""]) => name,
    );
    const objects = ["MONITOR", "DESK", "INCIDENT", "POLICY", "TRAFFIC", "LIMITER"];
    const bound = new Set([...objects, "WRITE_JOURNAL"]);
    // Where tests send what goes to Neon and Turnstile otherwise; nobody deploys with them.
    const local = new Set(["POSTGRES_FETCH_ENDPOINT", "TURNSTILE_URL"]);
    const asked = declared.filter((name) => !bound.has(name) && !local.has(name));
    expect(asked.filter((name) => !page.includes(name))).toEqual([]);
  });
});

describe("docs/recovery.md", () => {
  it("names every way back, and every reason", ({ expect }) => {
    const named = words(read("docs/recovery.md"));
    expect([...named]).toEqual(expect.arrayContaining([...WAYS_BACK, ...WAY_REASONS]));
  });
});
