import fc from "fast-check";
import { describe, it } from "vitest";
import {
  checkPlaybooks,
  INSTANCE_CHARS_MAX,
  readPlaybook,
  readSite,
} from "../../../src/playbooks/check.ts";
import { guardSettingsOf } from "../../../src/policy/settings.ts";
import { formatDiagnostic } from "../../../src/playbooks/diagnostics.ts";
import {
  DIAGNOSTICS_MAX,
  FILE_BYTES_MAX,
  NESTING_MAX,
  readYaml,
} from "../../../src/playbooks/yaml-file.ts";
import { problemsOf, RIGHT, SITE, VOCABULARY } from "./support.ts";

const printed = (...[files]: Parameters<typeof checkPlaybooks>) => {
  const checked = checkPlaybooks(files, VOCABULARY);
  return checked.ok ? [] : checked.error.map(formatDiagnostic);
};
const right = (id: string) => ({
  name: `${id}.yaml`,
  text: RIGHT.replace("id: right", `id: ${id}`),
});

describe("the files of a folder together", () => {
  it("make a bundle in order of ids, with every default filled in", ({ expect }) => {
    const checked = checkPlaybooks([right("b"), SITE, right("a")], VOCABULARY);
    if (!checked.ok) throw new Error("the files are right");

    expect(checked.value.playbooks.map(({ spec }) => spec.id)).toEqual(["a", "b"]);
    expect(checked.value.playbooks[0]?.spec).toMatchObject({
      review_every: "30d",
      recover: { release_after: "30s", reopen_within: "30m" },
    });
    expect(checked.value.site.autopilot).toBe("shadow");
  });

  it("believe no header that says who a client is, until the site says which", ({ expect }) => {
    const checked = checkPlaybooks([SITE, right("a")], VOCABULARY);
    if (!checked.ok) throw new Error("the files are right");
    expect(guardSettingsOf(checked.value.site, 4_000)).toMatchObject({ clientAddress: "none" });
  });

  it("are all checked, and their problems come in order of file and line", ({ expect }) => {
    const site = { name: "playbooks/site.yaml", text: `${SITE.text}\nautopilott: on` };
    const bad = { name: "playbooks/b.yaml", text: "schema: firebreak/v1\nid: b\nid: c\n" };
    const worse = { name: "playbooks/a.yaml", text: RIGHT.replace("id: right", "id: z") };

    expect(printed([site, bad, worse], VOCABULARY)).toEqual([
      "playbooks/a.yaml:2:5 id: the file is called a.yaml: file and id must be the same",
      "playbooks/b.yaml:3:1 this key is there twice",
      expect.stringMatching(
        /^playbooks\/site.yaml:6:1 autopilott: unknown key "autopilott"; did you mean "autopilot"\?/,
      ),
    ]);
  });

  it("need one site.yaml", ({ expect }) => {
    expect(printed([right("a")], VOCABULARY)).toEqual([
      "site.yaml:1:1 there must be one site.yaml, there are 0",
    ]);
  });

  it("may inhibit each other by name", ({ expect }) => {
    const cause = right("cause");
    const files = (inhibits: string) => [
      SITE,
      right("symptom"),
      { ...cause, text: cause.text.replace("detect:\n", `inhibits: [${inhibits}]\ndetect:\n`) },
    ];

    expect(printed(files("symptom"), VOCABULARY)).toEqual([]);
    expect(printed(files("symptm"), VOCABULARY)).toEqual([
      'cause.yaml:16:12 inhibits[0]: unknown playbook "symptm"; did you mean "symptom"? known: symptom',
    ]);
  });

  it("do not mind a review that is overdue", ({ expect }) => {
    expect(RIGHT).toContain("reviewed: 2020-01-01");
    expect(problemsOf("right.yaml", RIGHT)).toEqual([]);
  });
});

describe("site.yaml", () => {
  const rows = [
    [
      "probes: [{ id: a, path: /a }, { id: a, path: /b }]",
      'probes[1].id: there is already a probe with the id "a"',
    ],
    [
      "probes: [{ id: a, path: health }]",
      'probes[0].path: write a path that starts with /; it is "health"',
    ],
    [
      "probes: [{ id: a, path: /a, timeout_ms: 10 }]",
      "probes[0].timeout_ms: must have at least 50; it is 10",
    ],
    ["channels: [{ id: a, kind: webhook, secret: hunter2 }]", /^channels\[0\].secret: /],
    [
      "allowlist: [{ network: 10.0.0.0/33, owner: me, reason: x }]",
      /^allowlist\[0\].network: .*it is "10.0.0.0\/33"$/,
    ],
    [
      "allowlist: [{ network: 10.1.2.3/8, owner: me, reason: x }]",
      /^allowlist\[0\].network: .*the network is 10.0.0.0\/8/,
    ],
    ["autopilot: maybe", 'autopilot: must be one of on, shadow, off; it is "maybe"'],
    [
      "client_address: { headr: x-real-ip }",
      /client_address\.headr: unknown key "headr"; did you mean "header"\?/,
    ],
    ["exempt_routes: { maintenance: [assets] }", /^exempt_routes.maintenance\[0\]: write a path/],
    [
      "escalation: { levels: [{ people: [ada] }] }",
      /^escalation.levels\[0\].people\[0\]: there is no "ada" among people: none/,
    ],
    [
      "escalation: { levels: [{ channels: [phone] }] }",
      /^escalation.levels\[0\].channels\[0\]: there is no "phone" among channels: /,
    ],
    [
      "escalation: { respond_within: { SEV-1: 30s } }",
      /^escalation.respond_within.SEV-1: .*from 1m to 7d/,
    ],
    [
      "people: [{ id: ada, name: A }, { id: ada, name: B }]",
      /^people: two people have the same id/,
    ],
    [
      "people: [{ id: ada, name: Ada }, { id: bob, name: ADA }]",
      /^people\[1\].name: two people are called "ADA"/,
    ],
    [
      "people: [{ id: ada, name: A, slack: U0123ABCD }, { id: bob, name: B, slack: U0123ABCD }]",
      /^people: two people are one member of Slack/,
    ],
    [
      "public_channels: [{ id: p, kind: statuspage, secret: CHANNEL_P, components: { nowhere: x1 } }]",
      /^public_channels\[0\].components.nowhere: there is no "nowhere" among components: /,
    ],
    [
      "public_channels: [{ id: p, kind: statuspage, secret: CHANNEL_P }, { id: p, kind: instatus, secret: CHANNEL_Q }]",
      /^public_channels: two public_channels have the same id/,
    ],
    [
      "public_channels: [{ id: p, kind: statuspage, secret: CHANNEL_P, url: 'javascript:alert(1)' }]",
      /^public_channels\[0\].url: /,
    ],
    [
      "public_channels: [{ id: p, kind: statuspage, secret: s3cret }]",
      /^public_channels\[0\].secret: /,
    ],
    [
      'templates: { internal: "{titel}" }',
      /^templates.internal: there is no field \{titel\}; there are \{severity\}, \{title\}/,
    ],
    [
      'templates: { external: { resolved: "[Service] works" } }',
      /^templates.external.resolved: \[Service\] was left to fill in/,
    ],
    ["people: [{ id: ada, name: A, slack: ada }]", /^people\[0\].slack: write a member's id/],
    ["suppliers: [{ id: neon, name: Neon }]", /^suppliers\[0\]: say how they are reached/],
    ["sessions: { redis_prefix: fire }", "sessions.redis_prefix: those keys are Firebreak's own"],
    [
      'sessions: { redis_prefix: "firebreak:payments:" }',
      "sessions.redis_prefix: those keys are Firebreak's own",
    ],
    ['sessions: { redis_prefix: "session:*" }', /^sessions.redis_prefix: .*write 3 to 100 letters/],
  ] as const;

  it.for(rows)("with %s is refused", ([line, message], { expect }) => {
    const problems = printed([{ name: "site.yaml", text: `${SITE.text}\n${line}` }], VOCABULARY);
    const told = problems.map((one) => one.replace(/^site.yaml:\d+:\d+ /, ""));

    expect(
      told.some((one) => (typeof message === "string" ? one === message : message.test(one))),
    ).toBe(true);
  });
});

it("a site whose name would not fit into its marks is refused", ({ expect }) => {
  const text = (environment: string) => SITE.text.replace(/^environment: .*$/m, environment);
  const long = "e".repeat(60);
  const site = { name: "site.yaml", text: text(`environment: ${long}`) };
  expect(printed([site], VOCABULARY)).toEqual([]);
  const longer = { name: "site.yaml", text: site.text.replace(/^site: .*$/m, `site: ${long}`) };
  expect(printed([longer], VOCABULARY)).toEqual([
    expect.stringMatching(
      new RegExp(`^site.yaml:\\d+:\\d+ environment: .* at most ${INSTANCE_CHARS_MAX} characters$`),
    ),
  ]);
});

describe("limits of a file", () => {
  it("is read up to its size, and no further", ({ expect }) => {
    const padded = (bytes: number) => `${RIGHT}# `.padEnd(bytes, "x");

    expect(problemsOf("right.yaml", padded(FILE_BYTES_MAX))).toEqual([]);
    expect(problemsOf("right.yaml", padded(FILE_BYTES_MAX + 1))).toEqual([
      "right.yaml:1:1 the file has 65537 bytes, at most 65536 are read",
    ]);
  });

  it("counts bytes, not characters", ({ expect }) => {
    expect(problemsOf("right.yaml", `# ${"é".repeat(FILE_BYTES_MAX / 2)}`)).toEqual([
      "right.yaml:1:1 the file has 65538 bytes, at most 65536 are read",
    ]);
  });

  it.for(["[", "- ", "{a: "])("refuses endless nesting of %j", (opening, { expect }) => {
    const text = opening.repeat(FILE_BYTES_MAX / opening.length);
    const read = readYaml({ name: "deep.yaml", text });

    expect(read.ok ? [] : read.error.map(({ message }) => message)).toEqual([
      `nested more than ${NESTING_MAX} levels deep`,
    ]);
  });

  it("does not expand aliases of aliases", ({ expect }) => {
    const lines = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`);
    const read = readYaml({ name: "bomb.yaml", text: ["a0: &a0 x", ...lines].join("\n") });

    expect(read.ok).toBe(false);
  });

  it("prints no more than can be read", ({ expect }) => {
    const text = Array.from({ length: 500 }, (_, n) => `k${n}: 1`).join("\n");

    expect(problemsOf("right.yaml", text)).toHaveLength(DIAGNOSTICS_MAX);
  });
});

describe("whatever a file holds", () => {
  const line = fc.constantFrom(
    ...RIGHT.split("\n"),
    "- a",
    "a: &b c",
    "a: *b",
    "? x",
    "[",
    "}",
    "!t",
    "<<: *a",
    "__proto__: 1",
    "params: {constructor: {type: int}}",
  );
  const mangled = fc.array(line, { maxLength: 50 }).map((lines) => lines.join("\n"));
  /** The right playbook with a piece cut out and something else put in. */
  const cut = fc
    .tuple(fc.nat(RIGHT.length), fc.nat(20), fc.string({ maxLength: 10 }))
    .map(([at, length, put]) => RIGHT.slice(0, at) + put + RIGHT.slice(at + length));
  const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), mangled, cut);

  it("reading it gives a value or places, and never throws", ({ expect }) => {
    fc.assert(
      fc.property(text, (source) => {
        for (const read of [readPlaybook, readSite]) {
          const result = read({ name: "x.yaml", text: source });
          const found = result.ok ? [] : result.error;
          expect(result.ok || found.length > 0).toBe(true);
          expect(found.every(({ line: at, column }) => at >= 1 && column >= 1)).toBe(true);
        }
        checkPlaybooks([SITE, { name: "right.yaml", text: source }], VOCABULARY);
      }),
      { numRuns: 500 },
    );
  });
});
