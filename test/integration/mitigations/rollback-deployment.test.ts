/** Rolling the production Worker back, against a stand-in that refuses what Cloudflare refuses. */
import { describe, it } from "vitest";
import type { CloudflareState } from "../../../dev/vendors/cloudflare-api.ts";
import { rollbackDeployment } from "../../../src/mitigations/actuators/rollback-deployment.ts";
import { asAct, type StoredAct } from "../../../src/mitigations/opaque.ts";
import { actContract } from "../../contract/act.ts";
import { before, ONSET_MS, reachWith, TOKEN, vendor } from "./cloudflare.ts";

const act = asAct(rollbackDeployment);

const whole = (id: string, minutes: number, given: object = {}) => ({
  id: `deploy-${id}-${minutes}`,
  createdAt: before(minutes),
  versions: [{ id, percentage: 100 }],
  ...given,
});
const versions = (...ids: readonly string[]) => ids.map((id) => ({ id }));

/** v3 went live five minutes before the harm, over v2. */
const SHOP = {
  versions: versions("v3", "v2", "v1"),
  deployments: [whole("v3", 5), whole("v2", 600), whole("v1", 6_000)],
};

type Worker = NonNullable<CloudflareState["workers"]>[string];
const shop = (worker: Worker = SHOP) => vendor({ workers: { shop: worker } });

const asked = (options: object = {}): StoredAct => ({
  id: "act_00000000000000000000000009",
  incidentId: "inc_1",
  options,
  reason: "inc_1 Outage",
  onsetAtMs: ONSET_MS,
});

actContract({
  act,
  options: {},
  badOptions: [
    { options: { deployed_within: "soon" }, field: "deployed_within" },
    { options: { version: "v1" }, field: "version" },
  ],
  onsetAtMs: ONSET_MS,
  secret: TOKEN,
  async ground() {
    const { deployed, state, set, fail, reach, unreachable } = await shop();
    return {
      reach: reach(),
      unreachable,
      timesDone: async () => deployed.length,
      version: state,
      failNextChange: fail,
      interfere: () =>
        set({ workers: { shop: { ...SHOP, deployments: [whole("v1", 1), ...SHOP.deployments] } } }),
    };
  },
});

describe("what a rollback goes back to", () => {
  it.for([
    { what: "the version before", worker: SHOP, target: "v2" },
    {
      what: "the newest that ran for everybody, not one that ran for some",
      worker: {
        versions: versions("v4", "v3", "v2"),
        deployments: [
          whole("v4", 5),
          whole("v3", 60, {
            versions: [
              { id: "v3", percentage: 10 },
              { id: "v2", percentage: 90 },
            ],
          }),
          whole("v2", 600),
        ],
      },
      target: "v2",
    },
    {
      what: "the old one of a gradual deployment",
      worker: {
        versions: versions("v3", "v2", "v1"),
        deployments: [
          whole("v3", 5, {
            versions: [
              { id: "v3", percentage: 10 },
              { id: "v2", percentage: 90 },
            ],
          }),
          whole("v2", 600),
          whole("v1", 6_000),
        ],
      },
      target: "v2",
    },
    {
      what: "not the same version deployed twice",
      worker: {
        versions: versions("v3", "v2"),
        deployments: [whole("v3", 5), whole("v3", 10), whole("v2", 600)],
      },
      target: "v2",
    },
    {
      what: "one that can still be deployed",
      worker: {
        versions: versions("v3", "v1"),
        deployments: [whole("v3", 5), whole("v2", 600), whole("v1", 6_000)],
      },
      target: "v1",
    },
  ])("is $what", async ({ worker, target }, { expect }) => {
    const { reach, deployed } = await shop(worker);
    const judgement = await act.judge(asked(), reach());
    expect(judgement).toMatchObject({ ok: true, value: { judged: { targetVersionId: target } } });
    if (!judgement.ok) return;
    const { judged } = judgement.value;
    expect(await act.perform({ ...asked(), judged }, reach())).toMatchObject({ ok: true });
    expect(deployed).toEqual([target]);
  });

  it("is said in one sentence, with who deployed what and when", async ({ expect }) => {
    const { reach } = await shop();
    expect(await act.judge(asked(), reach())).toMatchObject({
      value: {
        says: "roll shop back from v3, deployed 11:55:00 UTC by ada@shop.example, to v2, deployed 02:00:00 UTC by ada@shop.example",
      },
    });
  });
});

describe("nothing is rolled back", () => {
  it.for([
    {
      what: "when the last deployment was long before",
      deployments: [whole("v3", 31)],
      why: /more than 30m/,
    },
    {
      what: "when somebody deployed after the harm began",
      deployments: [whole("v3", -2)],
      why: /at work on it/,
    },
    {
      what: "when what is live is a rollback already",
      deployments: [whole("v3", 1, { message: "firebreak/shop.test/act_1 inc_1" }), whole("v2", 9)],
      why: /a rollback already/,
    },
    { what: "when nothing ran before", deployments: [whole("v3", 5)], why: /no earlier version/ },
    {
      what: "when nothing was ever deployed",
      deployments: [],
      why: /never deployed/,
      isToBeMended: true,
    },
    {
      what: "when it is Firebreak's own version that is live",
      deployments: [whole("own-version", 5), whole("v2", 9)],
      why: /Firebreak itself/,
      isToBeMended: true,
    },
  ])("$what", async ({ deployments, why, isToBeMended = false }, { expect }) => {
    const { reach } = await shop({ versions: SHOP.versions, deployments });
    expect(await act.judge(asked(), reach())).toEqual({
      ok: false,
      error: {
        class: "refuse",
        detail: expect.stringMatching(why),
        ...(isToBeMended ? {} : { notApplicable: true }),
      },
    });
  });

  it("when its token is refused, there is no such Worker, or it is Firebreak", async ({
    expect,
  }) => {
    const { reach, strangers } = await shop();
    for (const denied of [strangers, reach({ worker: "nope" }), reach({ worker: "firebreak" })]) {
      expect(await act.judge(asked(), denied)).toMatchObject({
        ok: false,
        error: { class: "refuse" },
      });
    }
  });

  it("and what is missing is named", async ({ expect }) => {
    const { reach } = await shop();
    expect(act.missing(reachWith(null))).toContain("CLOUDFLARE_API_TOKEN");
    expect(act.missing(reach({ worker: null }))).toContain("CLOUDFLARE_WORKER");
    expect(act.missing(reach())).toBeNull();
  });
});

describe("when secrets have changed since", () => {
  const changed = {
    versions: [{ id: "v3" }, { id: "v2", changedSecrets: ["STRIPE_KEY", "SESSION_KEY"] }],
    deployments: [whole("v3", 5), whole("v2", 600)],
  };

  it("names them and asks; with a person's word it goes ahead", async ({ expect }) => {
    const { reach, deployed } = await shop(changed);
    const judgement = await act.judge(asked(), reach());
    if (!judgement.ok) return expect.unreachable();
    const { judged } = judgement.value;
    expect(await act.perform({ ...asked(), judged }, reach())).toMatchObject({
      ok: false,
      error: {
        class: "refuse",
        detail: expect.stringContaining("STRIPE_KEY, SESSION_KEY"),
        ask: { force: true },
      },
    });
    expect(deployed).toEqual([]);
    const forced = { ...asked({ force: true }), judged };
    expect(await act.perform(forced, reach())).toMatchObject({ ok: true });
    expect(deployed).toEqual(["v2"]);
  });
});
