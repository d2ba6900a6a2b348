/** Asks a deployed, or locally running, Firebreak for its report. */
import { doctorReport } from "../../src/http/schemas.ts";
import { err, ok, type Result } from "../../src/shared/result.ts";
import type { Report } from "./text.ts";

const DEADLINE_MS = 15_000;

/** The report, or in words why there is none. */
export async function askDeployment(
  url: string,
  token: string | undefined,
): Promise<Result<Report, string>> {
  if (!URL.canParse(url)) return err(`"${url}" is not a URL; write it as https://shop.example.com`);
  if (token === undefined || token === "") {
    return err("Set FIREBREAK_TOKEN to a viewer's token; the doctor shows it to nobody else.");
  }
  const { origin } = new URL(url);
  let response: Response;
  try {
    response = await fetch(`${origin}/_firebreak/api/v1/doctor`, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch (error) {
    const name = error instanceof Error ? error.name : "unknown";
    return err(`${origin} does not answer (${name}); is it running, and is the URL right?`);
  }
  if (!response.ok) return err(`${origin}: ${REFUSALS[response.status] ?? unexpected(response)}`);
  const report = doctorReport.safeParse(await response.json().catch(() => null));
  if (!report.success) return err(`${origin} answered something else than a doctor's report.`);
  return ok({ source: `${origin}, as it says of itself`, ...report.data });
}

const REFUSALS: Readonly<Record<number, string>> = {
  401: "the token in FIREBREAK_TOKEN is not known; API_TOKENS holds the hashes of those that are",
  404: "there is no Firebreak at this address; does the route end at the guard?",
  503: "Firebreak is not available right now; try again",
};

const unexpected = ({ status }: Response): string => `answered ${status}`;
