/** What GitHub tells of changes: evidence, against the stand-in. */
import { describe, it } from "vitest";
import { cloudflareApi } from "../../../dev/vendors/cloudflare-api.ts";
import { githubApi, type GithubState } from "../../../dev/vendors/github-api.ts";
import { startVendors } from "../../../dev/vendors.ts";
import type { Deployment } from "../../../src/alerts/deployments.ts";
import { createCloudflare } from "../../../src/platform/cloudflare.ts";
import { githubRepository, type Repository } from "../../../src/platform/github.ts";
import { collectEvidence } from "../../../src/signals/collectors/registry.ts";
import { keep } from "../../support/servers.ts";
import { aCollection } from "../../support/signals.ts";
import { before, ONSET_MS } from "../mitigations/cloudflare.ts";

const TOKEN = "ghp_0123456789abcdef0123456789abcdef0123";
const sha = (digit: number): string => `${digit}`.repeat(40).slice(0, 40);
const SHOP: GithubState = {
  repositories: {
    "shop/storefront": {
      main: [
        { sha: sha(9), at: before(-5), message: "after the harm" },
        { sha: sha(3), at: before(5), message: "checkout: faster\n\ntoken=abcdef" },
        { sha: sha(2), at: before(60), login: null, message: "pitches: sort, password=hunter2" },
        { sha: sha(1), at: before(900), message: "long ago" },
      ],
      next: [{ sha: sha(4), at: before(10), message: "another branch" }],
    },
  },
};

async function vendors(initial: GithubState = SHOP) {
  const cloudflare = cloudflareApi({
    accountId: "acc",
    token: TOKEN,
    initial: {
      workers: {
        shop: {
          versions: [{ id: "v2" }, { id: "v1" }],
          deployments: [
            { id: "d2", createdAt: before(4), versions: [{ id: "v2", percentage: 100 }] },
            { id: "d1", createdAt: before(600), versions: [{ id: "v1", percentage: 100 }] },
          ],
        },
      },
    },
  });
  const server = keep(
    await startVendors({ vendors: [githubApi({ token: TOKEN, initial }), cloudflare] }),
  );
  const repository = (name = "shop/storefront", given: { token?: string; branch?: string } = {}) =>
    githubRepository(
      { baseUrl: `${server.url}/github-api`, token: given.token ?? TOKEN, timeoutMs: 500 },
      { name, branch: given.branch ?? null },
    );
  const baseUrl = `${server.url}/cloudflare-api`;
  const api = createCloudflare({ baseUrl, accountId: "acc", token: TOKEN });
  return {
    repository,
    production: { api, worker: "shop", pagesProject: null, zoneId: null },
    fail: async (kind: string): Promise<void> => {
      const body = JSON.stringify({ kind });
      await fetch(`${server.url}/__vendor/github-api`, { method: "POST", body });
    },
  };
}

type Production = Awaited<ReturnType<typeof vendors>>["production"];
const collect = (
  github: Repository | null,
  cloudflare: Production | null = null,
  told: readonly Deployment[] = [],
) =>
  collectEvidence(
    "github-commits",
    aCollection({
      atMs: ONSET_MS + 30_000,
      onsetAtMs: ONSET_MS,
      cloudflare,
      deployments: async (toMs) => told.filter(({ atMs }) => atMs <= toMs),
      github,
    }),
  );

describe("commits", () => {
  it("are those between the deployment before the last one and the harm, newest first", async ({
    expect,
  }) => {
    const { repository, production } = await vendors();
    const collected = await collect(repository(), production);
    expect(collected).toMatchObject({
      ok: true,
      value: {
        summary:
          "2 commits to shop/storefront since the deployment before the last one, the last by ada 5m before the harm began",
        facts: {
          isWhole: true,
          commits: [
            {
              sha: sha(3).slice(0, 12),
              author: "ada",
              message: "checkout: faster",
              beforeOnsetMs: 300_000,
            },
            { sha: sha(2).slice(0, 12), author: "Ada Lovelace" },
          ],
        },
      },
    });
    expect(JSON.stringify(collected)).not.toContain("hunter2");
  });

  it("are those of the day before, where nobody knows of deployments", async ({ expect }) => {
    const { repository } = await vendors();
    expect(await collect(repository())).toMatchObject({
      value: { facts: { commits: [{}, {}, { message: "long ago" }] } },
    });
  });

  it("are of the branch that the site names", async ({ expect }) => {
    const { repository } = await vendors();
    expect(await collect(repository("shop/storefront", { branch: "next" }))).toMatchObject({
      value: { facts: { commits: [{ message: "another branch" }] } },
    });
  });

  it("that are none are said to be none", async ({ expect }) => {
    const { repository } = await vendors({ repositories: { "shop/storefront": { main: [] } } });
    expect(await collect(repository())).toMatchObject({
      value: { summary: "no commit to shop/storefront in the day before the harm began" },
    });
  });

  it("that are many are counted as at least so many, and listed within bounds", async ({
    expect,
  }) => {
    const main = Array.from({ length: 70 }, (_, index) => ({
      sha: index.toString(16).padStart(40, "0"),
      at: before(index + 1),
      message: "m".repeat(1_000),
    }));
    const { repository } = await vendors({ repositories: { "shop/storefront": { main } } });
    expect(await collect(repository())).toMatchObject({
      value: {
        summary: expect.stringContaining("at least 50 commits"),
        facts: { isWhole: false, commits: expect.objectContaining({ length: 30 }) },
      },
    });
  });
});

describe("what stands in the way is named, without the token", () => {
  it("nothing is configured", async ({ expect }) => {
    expect(await collect(null)).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining("GITHUB_TOKEN") },
    });
  });

  it.for([
    { what: "a wrong token", of: { token: "ghp_wrong" }, name: "shop/storefront", says: "401" },
    { what: "no such repository", of: {}, name: "shop/nothing", says: "404" },
    { what: "no such branch", of: { branch: "gone" }, name: "shop/storefront", says: "404" },
  ])("$what", async ({ of, name, says }, { expect }) => {
    const { repository } = await vendors();
    const collected = await collect(repository(name, of));
    expect(collected).toMatchObject({
      error: { class: "refuse", detail: expect.stringContaining(says) },
    });
    expect(JSON.stringify(collected)).not.toContain("ghp_");
  });

  it.for(["429", "5xx", "garbage", "timeout"])(
    "%s can be tried again",
    async (kind, { expect }) => {
      const { repository, fail } = await vendors();
      await fail(kind);
      expect(await collect(repository())).toMatchObject({ error: { class: "retry" } });
    },
  );
});

it("tells what GitHub said was deployed before the harm, with a token or without", async ({
  expect,
}) => {
  const { repository } = await vendors();
  const told = (minutes: number): Deployment => ({
    id: `${minutes}:success`,
    source: "github",
    atMs: ONSET_MS - minutes * 60_000,
    environment: "production",
    sha: sha(3),
    state: "success",
  });
  const deployments = [{ sha: sha(3).slice(0, 12), state: "success", beforeOnsetMs: 240_000 }];
  expect(await collect(null, null, [told(4)])).toMatchObject({
    ok: true,
    value: {
      summary: expect.stringMatching(/^GitHub says production was deployed .*success, 3{12}/),
      facts: { deployments },
    },
  });
  expect(await collect(repository(), null, [told(-1), told(4)])).toMatchObject({
    ok: true,
    value: {
      summary: expect.stringContaining("; GitHub says production was deployed"),
      facts: { deployments, repository: "shop/storefront" },
    },
  });
});
