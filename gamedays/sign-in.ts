/** One attempt to sign in at the storefront, and who answered it. */
const TIMEOUT_MS = 10_000;

export type Attempt = {
  readonly address: string;
  readonly email: string;
  readonly password: string;
  readonly userAgent: string;
  /** Of who has met a challenge. */
  readonly clearance?: string;
};

/**
 * `opened` and `denied` are production's word on the password, `failed` is its error. `challenged` and `blocked` are the guard's; `lost` is
 * no answer at all.
 */
export type SignInAnswer = "opened" | "denied" | "failed" | "challenged" | "blocked" | "lost";

export type SignedIn = {
  readonly answer: SignInAnswer;
  /** The session's cookie, of who is let in. */
  readonly session: string | null;
  readonly body: string;
};

export async function signInAt(site: string, attempt: Attempt): Promise<SignedIn> {
  const { email, password } = attempt;
  try {
    const response = await fetch(`${site}/sign-in`, {
      method: "POST",
      headers: { ...headersOf(attempt), "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await response.text();
    const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? null;
    const answer = answerOf(response.status, body);
    return { answer, session: answer === "opened" ? cookie : null, body };
  } catch {
    return { answer: "lost", session: null, body: "" };
  }
}

/** Locally nothing stands before the guard that would name the client itself. */
export const headersOf = ({
  address,
  userAgent,
  clearance,
}: Pick<Attempt, "address" | "userAgent" | "clearance">): Record<string, string> => ({
  "CF-Connecting-IP": address,
  "User-Agent": userAgent,
  Accept: "application/json",
  ...(clearance === undefined ? {} : { Cookie: clearance }),
});

export function answerOf(status: number, body: string): SignInAnswer {
  if (body.includes("/_firebreak/problems/")) {
    return body.includes("/_firebreak/problems/challenge") ? "challenged" : "blocked";
  }
  if (status === 200) return "opened";
  return status < 500 ? "denied" : "failed";
}
