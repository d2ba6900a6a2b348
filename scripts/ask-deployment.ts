/** Asks a deployed, or locally running, Firebreak what it says of itself, with the token of a viewer. */
import type { z } from "zod";
import { err, ok, type Result } from "../src/shared/result.ts";

const DEADLINE_MS = 15_000;

/** What is at a path below `/_firebreak/api/v1`, and where that was; or in words why there is nothing. */
export async function askDeployment<T>(
  url: string,
  token: string | undefined,
  { path, schema }: { readonly path: string; readonly schema: z.ZodType<T> },
): Promise<Result<{ readonly origin: string; readonly answer: T }, string>> {
  if (!URL.canParse(url)) return err(`"${url}" is not a URL; write it as https://shop.example.com`);
  if (token === undefined || token === "") {
    return err("Set FIREBREAK_TOKEN to a viewer's token; it is shown to nobody else.");
  }
  const { origin } = new URL(url);
  let response: Response;
  try {
    response = await fetch(`${origin}/_firebreak/api/v1${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch (error) {
    const name = error instanceof Error ? error.name : "unknown";
    return err(`${origin} does not answer (${name}); is it running, and is the URL right?`);
  }
  if (!response.ok) return err(`${origin}: ${REFUSALS[response.status] ?? unexpected(response)}`);
  const answer = schema.safeParse(await response.json().catch(() => null));
  if (!answer.success) return err(`${origin} answered something else than was asked.`);
  return ok({ origin, answer: answer.data });
}

const REFUSALS: Readonly<Record<number, string>> = {
  401: "the token in FIREBREAK_TOKEN is not known; API_TOKENS holds the hashes of those that are",
  404: "there is no Firebreak at this address; does the route end at the guard?",
  503: "Firebreak is not available right now; try again",
};

const unexpected = ({ status }: Response): string => `answered ${status}`;
