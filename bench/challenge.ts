/** What challenges cost: the guard to put and to check, a cleared visitor with each request, and a real browser to meet. */
import { SOLVER } from "../src/guard/challenge/page-script.ts";
import { clearanceCookie, Clearances } from "../src/guard/challenge/clearances.ts";
import { issueChallenge, readChallenge, type Issued } from "../src/guard/challenge/issue.ts";
import { areSolved } from "../src/guard/challenge/puzzles.ts";
import { challengeTerms, DIFFICULTY_DEFAULT } from "../src/policy/challenge.ts";
import { sure } from "../src/shared/shape.ts";
import { launchBrowser } from "../dev/chromium.ts";
import { solutionsOf } from "../test/support/solve.ts";
import { goal, short, type Goal } from "./goal.ts";
import { compare, spreadOf, type Figure, type Spread } from "./measure.ts";

export type ChallengeReport = {
  readonly rounds: number;
  readonly difficulty: number;
  /** CPU without signatures: the sixteen hashes, and the cookie that was here before. */
  readonly atOnce: readonly Figure[];
  /** CPU with WebCrypto and its promises, microseconds: to put a challenge, and to check all of a redemption. */
  readonly issueUs: Spread;
  readonly redeemUs: Spread;
  /** On the wall, milliseconds, in a Worker of Chromium on this machine. */
  readonly solveMs: Spread;
};

const TIMES = 2_000;
const SOLVES = 15;
const KEY = { kid: "bench", secret: "a-secret-that-is-only-for-measuring" };
const ASKED = { instance: "shop.bench", host: "shop.example" };
const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";

export async function challenge(rounds: number): Promise<ChallengeReport> {
  const nowMs = Date.now();
  const terms = sure(challengeTerms, {});
  const issue = () => issueChallenge(KEY, terms, { ...ASKED, nowMs });
  const issued = await issue();
  const solutions = solutionsOf(issued.seed, issued.claims);
  const redeem = async (): Promise<unknown> => {
    const read = await readChallenge(issued.token, { keys: [KEY], ...ASKED, nowMs });
    if (!read.ok || !areSolved(read.value.seed, read.value.claims, solutions)) {
      throw new Error("the solution is right");
    }
    return cookieOf(read.value);
  };
  const issueUs: number[] = [];
  const redeemUs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    issueUs.push(await usPerTime(issue));
    redeemUs.push(await usPerTime(redeem));
  }
  return {
    rounds,
    difficulty: DIFFICULTY_DEFAULT,
    atOnce: compare(
      [
        {
          name: "check 16 solutions",
          run: (times) => {
            let right = 0;
            for (let n = 0; n < times; n++) {
              right += Number(areSolved(issued.seed, issued.claims, solutions));
            }
            return right;
          },
        },
        { name: "a cleared visitor's cookie", run: await cookieReader(issued, nowMs) },
      ],
      rounds,
    ),
    issueUs: spreadOf(issueUs),
    redeemUs: spreadOf(redeemUs),
    solveMs: spreadOf(await solvesInBrowser()),
  };
}

const cookieOf = ({ claims }: Issued) =>
  clearanceCookie(KEY, claims, {
    price: { way: "work", difficulty: claims.difficulty },
    userAgent: USER_AGENT,
  });

/** Reads one known cookie again and again, as the requests of one visitor do. */
async function cookieReader(issued: Issued, nowMs: number): Promise<(times: number) => number> {
  const clearances = new Clearances([KEY]);
  const { setCookie } = await cookieOf(issued);
  const cookie = /=([^;]+)/.exec(setCookie)?.[1] ?? "";
  const headers = new Headers({ "user-agent": USER_AGENT });
  const request = { method: "GET", url: "https://shop.example/", headers };
  const at = { instance: ASKED.instance, nowMs };
  await clearances.read(cookie, request, at);
  return (times) => {
    let paid = 0;
    for (let n = 0; n < times; n++) {
      const read = clearances.read(cookie, request, at);
      if (!(read instanceof Promise) && read.kind === "paid") paid += 1;
    }
    return paid;
  };
}

/** CPU of the whole process: WebCrypto works in threads of its own. */
async function usPerTime(work: () => Promise<unknown>): Promise<number> {
  const from = process.cpuUsage();
  for (let n = 0; n < TIMES; n++) await work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / TIMES;
}

/** Milliseconds for each of some solves, from the moment that the Worker is asked. */
async function solvesInBrowser(): Promise<readonly number[]> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    return await page.evaluate(
      async ({ solver, difficulty, solves }) => {
        const source = `${solver};onmessage=function(e){solve(e.data,postMessage)}`;
        const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
        const times: number[] = [];
        for (let n = 0; n < solves; n++) {
          const worker = new Worker(url);
          const seed = [...crypto.getRandomValues(new Int32Array(8))];
          const startedAtMs = performance.now();
          await new Promise<void>((resolve) => {
            worker.addEventListener("message", ({ data }) => {
              if (data.counters !== undefined) resolve();
            });
            worker.postMessage({ seed, difficulty, n: 16, sliceMs: 100 });
          });
          times.push(performance.now() - startedAtMs);
          worker.terminate();
        }
        return times;
      },
      { solver: SOLVER, difficulty: DIFFICULTY_DEFAULT, solves: SOLVES },
    );
  } finally {
    await browser.close();
  }
}

export const challengeGoals = ({ atOnce, rounds }: ChallengeReport): readonly Goal[] => {
  const [check] = atOnce;
  return [
    goal({
      what: "checking the work of a challenge",
      value: (check?.medianNs ?? Number.NaN) / 1_000,
      unit: "µs",
      limit: { atMost: 50 },
      rounds,
    }),
  ];
};

export const sayChallenge = (report: ChallengeReport): string =>
  [
    `Challenges, difficulty ${report.difficulty}, ${report.rounds} rounds, CPU`,
    ...report.atOnce.map(({ name, medianNs }) => `  ${name}: ${short(medianNs / 1_000)} µs`),
    `  to put one: ${sayUs(report.issueUs)}`,
    `  to redeem one: ${sayUs(report.redeemUs)}`,
    `  to solve one in Chromium, on the wall: ${short(report.solveMs.median)} ms (half between ${short(report.solveMs.p25)} and ${short(report.solveMs.p75)})`,
  ].join("\n");

const sayUs = ({ median, p25, p75 }: Spread): string =>
  `${short(median)} µs (half between ${short(p25)} and ${short(p75)})`;
