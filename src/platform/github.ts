/** A thin client of GitHub's REST API, for one repository: one call, one answer, never a retry, and nothing of the token in what it says. */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { parseJson } from "../shared/json.ts";
import { redact } from "../shared/redact.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { BodyTooLargeError, boundBody } from "./bounded-body.ts";
import { withinDeadline } from "./deadline.ts";
import { errorName } from "./error-name.ts";

export const GITHUB_API_URL = "https://api.github.com";
export const GITHUB_TIMEOUT_MS = 8_000;
/** Of a page of commits, messages included. */
export const GITHUB_BYTES_MAX = 1024 * 1024;
/** The vendor's own maximum is 100. */
export const COMMITS_MAX = 50;
const API_VERSION = "2022-11-28";
const NAME_CHARS_MAX = 100;

export type Commit = {
  readonly sha: string;
  readonly atMs: number;
  readonly author: string;
  /** The first line. */
  readonly message: string;
};

export type Repository = {
  /** `owner/name`. */
  readonly name: string;
  /** Newest first, at most `COMMITS_MAX`; `isWhole` is false when there are more. */
  readonly commits: (span: {
    readonly fromMs: number;
    readonly toMs: number;
  }) => Promise<
    Result<{ readonly commits: readonly Commit[]; readonly isWhole: boolean }, Failure>
  >;
};

export type GithubAccess = {
  readonly baseUrl: string;
  readonly token: string;
  readonly timeoutMs?: number;
};

const commit = z
  .object({
    sha: z.string().regex(/^[0-9a-f]{40,64}$/),
    commit: z.object({
      message: z.string(),
      author: z.object({ name: z.string() }).nullable(),
      committer: z.object({ date: z.iso.datetime() }),
    }),
    /** Whom GitHub knows the author as. */
    author: z.object({ login: z.string() }).nullish(),
  })
  .transform(({ sha, commit: { message, author, committer }, author: account }) => ({
    sha,
    atMs: Date.parse(committer.date),
    author: (account?.login ?? author?.name ?? "somebody").slice(0, NAME_CHARS_MAX),
    message: message.split("\n", 1)[0] ?? "",
  }));

/** The repository, on `branch` or its default branch where that is null. */
export function githubRepository(
  { baseUrl, token, timeoutMs = GITHUB_TIMEOUT_MS }: GithubAccess,
  { name, branch }: { readonly name: string; readonly branch: string | null },
): Repository {
  const fail = (kind: "retry" | "refuse", detail: string): Result<never, Failure> =>
    err({ class: kind, detail: redact(`GitHub: ${detail}`.replaceAll(token, "[redacted]")) });
  return {
    name,
    async commits({ fromMs, toMs }) {
      const url = new URL(`${baseUrl.replace(/\/$/, "")}/repos/${name}/commits`);
      if (branch !== null) url.searchParams.set("sha", branch);
      url.searchParams.set("since", secondsOf(fromMs));
      url.searchParams.set("until", secondsOf(toMs));
      url.searchParams.set("per_page", String(COMMITS_MAX));
      try {
        const answered = await withinDeadline(timeoutMs, async (signal) => {
          const headers = headersOf(token);
          const response = await fetch(url, { headers, redirect: "manual", signal });
          return { response, text: await boundBody(response, GITHUB_BYTES_MAX).text() };
        });
        if (!answered.ok) return fail("retry", "no answer within the deadline");
        const { response, text } = answered.value;
        const obstacle = obstacleIn(response);
        if (obstacle !== null) return fail(obstacle.kind, obstacle.detail);
        const read = z.array(commit).max(COMMITS_MAX).safeParse(parseJson(text));
        if (!read.success) return fail("retry", "an answer that makes no sense");
        const isWhole = !/rel="next"/.test(response.headers.get("link") ?? "");
        return ok({ commits: read.data, isWhole });
      } catch (error) {
        const isGarbage = error instanceof BodyTooLargeError;
        return fail("retry", isGarbage ? "an answer too large to read" : errorName(error));
      }
    },
  };
}

function obstacleIn({
  status,
  headers,
}: Response): { readonly kind: "retry" | "refuse"; readonly detail: string } | null {
  if (status === 200) return null;
  // Limits come as 403 as well, and then say that nothing is left, or when to come back.
  const isLimited =
    status === 429 ||
    (status === 403 &&
      (headers.get("x-ratelimit-remaining") === "0" || headers.get("retry-after") !== null));
  if (isLimited) return { kind: "retry", detail: `it asks us to wait (HTTP ${status})` };
  if (status >= 500 || status === 408) return { kind: "retry", detail: `HTTP ${status}` };
  if (status === 401) return { kind: "refuse", detail: "GITHUB_TOKEN is not taken (HTTP 401)" };
  // What a token may not see is not there.
  const detail = "there is no such repository or branch, or GITHUB_TOKEN may not read it";
  return { kind: "refuse", detail: `${detail} (HTTP ${status})` };
}

const headersOf = (token: string): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${token}`,
  accept: "application/vnd.github+json",
  "user-agent": "firebreak",
  "x-github-api-version": API_VERSION,
});

/** `YYYY-MM-DDTHH:MM:SSZ`. */
const secondsOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
