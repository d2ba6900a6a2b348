/** Channels hear of incidents by severity and playbook, and none that wakes people is left to nobody. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { checkPlaybooks } from "../../../src/playbooks/check.ts";
import { formatDiagnostic } from "../../../src/playbooks/diagnostics.ts";
import { severity } from "../../../src/playbooks/schema.ts";
import { routed, unheard, type Routed } from "../../../src/playbooks/site-channels.ts";
import { RIGHT, SITE, VOCABULARY } from "./support.ts";

const CHANNEL = "{ id: chat, kind: slack, secret: CHANNEL_CHAT";

/** What is wrong with a site of these channels beside two playbooks, `right` and `security`. */
function problems(...channels: readonly string[]): readonly string[] {
  const site = { ...SITE, text: `${SITE.text}\nchannels:\n${channels.join("\n")}` };
  const security = { name: "security.yaml", text: RIGHT.replace("id: right", "id: security") };
  const checked = checkPlaybooks([site, { name: "right.yaml", text: RIGHT }, security], VOCABULARY);
  return checked.ok ? [] : checked.error.map(formatDiagnostic);
}

describe("channels of playbooks", () => {
  const all = `  - { id: pager, kind: webhook, secret: CHANNEL_PAGER }`;

  it("are right beside one that hears of all", ({ expect }) => {
    expect(problems(all, `  - ${CHANNEL}, playbooks: [security, plain] }`)).toEqual([]);
  });

  it("name playbooks that are there", ({ expect }) => {
    expect(problems(all, `  - ${CHANNEL}, playbooks: [plain, securty] }`)).toEqual([
      'site.yaml:8:71 channels[1].playbooks[1]: unknown playbook "securty"; did you mean "security"? known: plain, right, security',
    ]);
    expect(problems(all, `  - ${CHANNEL}, playbooks: [] }`)).toEqual([
      expect.stringMatching(/^site\.yaml:8:\d+ channels\[1\]\.playbooks: /),
    ]);
  });

  it("leave nothing that wakes people to nobody", ({ expect }) => {
    const hole = (of: string) =>
      `site.yaml:6:1 channels: no channel takes ${of} of right, plain, so that nobody would be woken: name them under playbooks of a channel that hears ${of}, or leave playbooks out of one`;
    expect(problems(`  - ${CHANNEL}, playbooks: [security] }`)).toEqual([
      hole("SEV-1"),
      hole("SEV-2"),
    ]);
    const one = `  - ${CHANNEL}, playbooks: [security], severities: [SEV-1, SEV-3] }`;
    expect(problems(one)).toEqual([hole("SEV-1")]);
    const others = "  - { id: b, kind: slack, secret: CHANNEL_B, playbooks: [right, plain] }";
    expect(problems(`  - ${CHANNEL}, playbooks: [security] }`, others)).toEqual([]);
  });
});

it("no playbook is called like that of what no playbook claims", ({ expect }) => {
  const plain = { name: "plain.yaml", text: RIGHT.replace("id: right", "id: plain") };
  const checked = checkPlaybooks([SITE, plain], VOCABULARY);
  expect(checked.ok ? [] : checked.error.map(formatDiagnostic)).toEqual([
    'plain.yaml:2:5 id: "plain" is the playbook of what no playbook claims',
  ]);
});

describe("whatever the channels", () => {
  const PLAYBOOKS = ["outage", "security"];
  const channels: fc.Arbitrary<Routed[]> = fc.array(
    fc.record(
      {
        id: fc.string(),
        severities: fc.subarray([...severity.options]),
        playbooks: fc.subarray([...PLAYBOOKS, "plain"], { minLength: 1 }),
      },
      { requiredKeys: ["id", "severities"] },
    ),
    { maxLength: 4 },
  );
  const incident = fc.record({
    playbook: fc.constantFrom(...PLAYBOOKS, "plain", "renamed-since"),
    severity: fc.constantFrom(...severity.options),
  });

  it("who hears has its severity; and its playbook, unless nobody would be woken", ({ expect }) => {
    fc.assert(
      fc.property(channels, incident, (all, one) => {
        const ofSeverity = all.filter(({ severities }) => severities.includes(one.severity));
        const exact = ofSeverity.filter(({ playbooks: of }) => of?.includes(one.playbook) ?? true);
        const wakes = one.severity === "SEV-1" || one.severity === "SEV-2";
        expect(routed(all, one)).toEqual(wakes && exact.length === 0 ? ofSeverity : exact);
      }),
    );
  });

  it("what is said to be unheard is what they do not take, and nothing else", ({ expect }) => {
    fc.assert(
      fc.property(channels, (all) => {
        for (const of of severity.options) {
          const said = unheard(all, PLAYBOOKS).find((one) => one.severity === of)?.playbooks ?? [];
          const heard = all.filter(({ severities }) => severities.includes(of));
          const taken = (playbook: string) =>
            heard.some(({ playbooks: named }) => named?.includes(playbook) ?? true);
          const left = [...PLAYBOOKS, "plain"].filter((playbook) => !taken(playbook));
          expect(said).toEqual(heard.length === 0 ? [] : left);
        }
      }),
    );
  });
});
