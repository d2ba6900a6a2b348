/** Rolling a Pages project back, against a stand-in that refuses what Cloudflare refuses. */
import { describe, it } from "vitest";
import { rollbackPages } from "../../../src/mitigations/actuators/rollback-pages.ts";
import { asAct } from "../../../src/mitigations/opaque.ts";
import { actContract } from "../../contract/act.ts";
import { before, ONSET_MS, reachWith, TOKEN, vendor } from "./cloudflare.ts";

const act = asAct(rollbackPages);
const build = (id: string, minutes: number, given: object = {}) => ({
  id,
  createdAt: before(minutes),
  ...given,
});
/** p3 went live five minutes before the harm; p2 failed to build. */
const SITE = {
  live: "p3",
  deployments: [build("p3", 5), build("p2", 60, { status: "failure" }), build("p1", 600)],
};
const asked = {
  id: "act_00000000000000000000000009",
  incidentId: "inc_1",
  options: {},
  reason: "inc_1 Outage",
  onsetAtMs: ONSET_MS,
} as const;

actContract({
  act,
  options: { deployed_within: "10m" },
  badOptions: [{ options: { deployed_within: "soon" }, field: "deployed_within" }],
  onsetAtMs: ONSET_MS,
  secret: TOKEN,
  async ground() {
    const { state, calls, fail, set, reach, unreachable } = await vendor({ pages: { site: SITE } });
    return {
      reach: reach(),
      unreachable,
      timesDone: async () =>
        (await calls()).filter(
          ({ method, status, fault }) =>
            method === "POST" && (status === 200 || fault === "duplicate"),
        ).length,
      version: state,
      failNextChange: fail,
      interfere: () =>
        set({
          pages: { site: { live: "p4", deployments: [build("p4", 1), ...SITE.deployments] } },
        }),
    };
  },
});

describe("a rollback of Pages", () => {
  it("goes back to the newest build that was whole", async ({ expect }) => {
    const { reach, state } = await vendor({ pages: { site: SITE } });
    const judgement = await act.judge(asked, reach());
    expect(judgement).toMatchObject({ ok: true, value: { judged: { targetId: "p1" } } });
    if (!judgement.ok) return;
    const { judged } = judgement.value;
    expect(await act.perform({ ...asked, judged }, reach())).toMatchObject({ ok: true });
    expect((await state()).pages?.["site"]?.live).toBe("p1");
  });

  it.for([
    [
      "the last build was long before",
      { ...SITE, deployments: [build("p3", 31)] },
      /more than 30m/,
    ],
    [
      "somebody deployed after the harm began",
      { ...SITE, deployments: [build("p3", -2)] },
      /at work/,
    ],
    ["it was rolled back already", { ...SITE, live: "p1" }, /a rollback already/],
    ["nothing was built before", { ...SITE, deployments: [build("p3", 5)] }, /no earlier build/],
  ] as const)("is not applicable when %s", async ([, site, why], { expect }) => {
    const { reach } = await vendor({
      pages: { site: { ...site, deployments: [...site.deployments] } },
    });
    expect(await act.judge(asked, reach())).toMatchObject({
      ok: false,
      error: { class: "refuse", detail: expect.stringMatching(why), notApplicable: true },
    });
  });

  it("is refused where nothing was ever deployed, for somebody to mend", async ({ expect }) => {
    const { reach } = await vendor({ pages: { site: { live: "none", deployments: [] } } });
    expect(await act.judge(asked, reach())).toEqual({
      ok: false,
      error: { class: "refuse", detail: expect.stringMatching(/never deployed/) },
    });
  });

  it("names what is missing", async ({ expect }) => {
    const { reach } = await vendor({});
    expect(act.missing(reachWith(null))).toContain("CLOUDFLARE_API_TOKEN");
    expect(act.missing(reach({ pagesProject: null }))).toContain("CLOUDFLARE_PAGES_PROJECT");
  });
});
