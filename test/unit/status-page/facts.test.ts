/** What the public reads of the harm: what was measured, as it was known when it was said, and never that nobody was harmed. */
import { describe, it } from "vitest";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { durationText, factFields } from "../../../src/status-page/facts.ts";
import { publish } from "../../../src/status-page/view.ts";
import { publicWordsOf } from "../../../src/status-page/words.ts";
import { templates, USUAL_TEMPLATES } from "../../../src/playbooks/site-templates.ts";
import { privateIn } from "../../../src/shared/private.ts";
import { DOWN, Drive, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const MINUTE = 60_000;
const AT_MS = Date.UTC(2026, 10, 23, 14, 2, 11);
const fields = (requests: number | null, visitors: number | null, isPromised = true) =>
  factFields(
    { atMs: AT_MS, status: "identified", facts: { harm: { requests, visitors }, isPromised } },
    AT_MS - 12 * MINUTE,
    30 * MINUTE,
  );

describe("what everybody may read of the harm", () => {
  it.for([
    [0.82, 0.4, "up to 40 % of visitors and 82 % of requests"],
    [0.821, null, "up to 83 % of requests"],
    [null, 0.07, "up to 7 % of visitors"],
    [0.0001, null, "up to 1 % of requests"],
    [1, 1, "up to 100 % of visitors and 100 % of requests"],
    [null, null, "not known yet"],
  ] as const)(
    "of %f of requests and %f of visitors is %s",
    ([requests, visitors, says], { expect }) => {
      expect(fields(requests, visitors).impact).toBe(says);
    },
  );

  it("names the next update where one is promised", ({ expect }) => {
    expect(fields(null, null).next_update).toBe("by 14:32 UTC");
    expect(fields(null, null, false).next_update).toBe("as soon as something changes");
    const kept = { atMs: AT_MS, status: "identified" } as const;
    expect(factFields(kept, AT_MS, MINUTE)).toEqual({
      impact: "not known yet",
      duration: "under a minute",
      next_update: "as soon as something changes",
    });
    const over = { ...kept, status: "resolved" } as const;
    expect(factFields(over, AT_MS, MINUTE).next_update).toBe("none, unless it begins again");
  });

  it.for([
    [29_000, "under a minute"],
    [MINUTE, "1 minute"],
    [119 * MINUTE, "119 minutes"],
    [120 * MINUTE, "2 hours"],
    [72 * 60 * MINUTE, "3 days"],
  ] as const)("lasts %i ms in words", ([ms, says], { expect }) => {
    expect(durationText(ms)).toBe(says);
  });
});

describe("an incident's story", () => {
  const site = {
    title: "Shop",
    components: [{ id: "website", name: "Website" }],
    templates: USUAL_TEMPLATES,
    update_every: "30m",
  };
  const spec = {
    ...SMALL_OUTAGE,
    communicate: { status_page: { component: "website", message: "The site is down." } },
  };

  /** From its opening to its end, with what the public read after each step. */
  function lived(given = site) {
    const incident = new Drive(spec).open();
    const read = () => {
      const view = viewOf(incident.state, null);
      const told = view && publish(view, publicWordsOf(given));
      return told?.updates.map(({ message }) => message) ?? [];
    };
    const stories = [read()];
    for (const next of [DOWN, ENFORCED, WELL]) {
      incident.after(MINUTE).see(next);
      incident.settle();
      stories.push(read());
    }
    incident.after(10 * MINUTE).do("resolve", { why: "over" });
    stories.push(read());
    return stories;
  }

  it("says the harm as it was known then, and never otherwise afterwards", ({ expect }) => {
    const stories = lived();
    const last = stories.at(-1) ?? [];
    for (const story of stories) expect(last.slice(0, story.length)).toEqual(story);
    expect(last[0]).toBe("The site is down. Impact: not known yet. Next update: by 08:30 UTC.");
    expect(last[1]).toBe(
      "We are taking measures against it. Impact: up to 100 % of requests. Next update: by 08:31 UTC.",
    );
    expect(last.at(-1)).toBe("It is over. It lasted 13 minutes.");
    expect(last.map(privateIn)).toEqual(last.map(() => null));
    expect(last.join(" ")).not.toMatch(/\b0 %|[[\]{}]/);
  });

  it("says what the site wants said of it, or nothing", ({ expect }) => {
    const own = templates.parse({ external: { impact: "{impact}!", lasted: null } });
    const told = lived({ ...site, templates: own }).at(-1) ?? [];
    expect(told[0]).toBe("The site is down. not known yet!");
    expect(told.at(-1)).toBe("It is over.");
  });
});
