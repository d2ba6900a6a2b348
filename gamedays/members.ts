/**
 * Ordinary people whom an attack on sign-ins could cost something: an office of fifty behind one address, some of whom mistype, and people
 * who were never seen before, half of them in the attackers' own network. Most newcomers look around; one in twenty-five has an account.
 */
import { isChallenge, type Payer } from "./challenge.ts";
import { startOpenLoop, steadily } from "./open-loop.ts";
import { emailOf, PASSWORD } from "./shop-accounts.ts";
import { answerOf, headersOf, signInAt, type SignInAnswer } from "./sign-in.ts";

export const OFFICE = "198.51.100.200";
const OFFICE_MEMBERS = 50;
const MISTYPES_ONE_IN = 12;
/** The newcomers' accounts follow the office's. */
const FIRST_NEWCOMER = OFFICE_MEMBERS;
const NEWCOMER_MEMBERS = 50;
const SIGNS_IN_ONE_IN = 25;
const UNDER_WAY_MAX = 100;
const TIMEOUT_MS = 10_000;
const USER_AGENT = "gameday-visitor";

/** One who came, and how it ended: after the challenge, where there was one. */
export type Arrival = {
  readonly atMs: number;
  readonly who: "office" | "newcomer";
  readonly errand: "browse" | "sign-in";
  readonly wasChallenged: boolean;
  readonly answer: SignInAnswer;
};

export type Members = AsyncDisposable & { readonly arrivals: readonly Arrival[] };

export type MembersOptions = {
  readonly officePerSecond: number;
  readonly newcomersPerSecond: number;
  readonly payer: Payer;
};

/** Starts them. Disposing sends no more and waits for who is under way. */
export function startMembers(
  site: string,
  { officePerSecond, newcomersPerSecond, payer }: MembersOptions,
): Members {
  const arrivals: Arrival[] = [];
  const lost = (who: Arrival["who"]) => (): void => {
    const nothing = { errand: "browse", wasChallenged: false, answer: "lost" } as const;
    arrivals.push({ atMs: Date.now(), who, ...nothing });
  };
  /** The office's machines keep their cookies. */
  const clearances = new Map<number, string>();

  async function office(number: number): Promise<void> {
    const member = number % OFFICE_MEMBERS;
    const clearance = clearances.get(member);
    const password = number % MISTYPES_ONE_IN === 0 ? "lovelcae" : PASSWORD;
    const came = await signsIn(
      { address: OFFICE, member, password, ...(clearance === undefined ? {} : { clearance }) },
      (cookie) => clearances.set(member, cookie),
    );
    arrivals.push({ who: "office", ...came });
  }

  async function newcomer(number: number): Promise<void> {
    const address = newAddress(number);
    const isMember = number % SIGNS_IN_ONE_IN === 0;
    const member = FIRST_NEWCOMER + (Math.floor(number / SIGNS_IN_ONE_IN) % NEWCOMER_MEMBERS);
    const came = isMember
      ? await signsIn({ address, member, password: PASSWORD })
      : await browses(address);
    arrivals.push({ who: "newcomer", ...came });
  }

  type Person = {
    readonly address: string;
    readonly member: number;
    readonly password: string;
    readonly clearance?: string;
  };
  async function signsIn(
    { member, ...person }: Person,
    keep: (cookie: string) => void = () => {},
  ): Promise<Omit<Arrival, "who">> {
    const attempt = { ...person, email: emailOf(member), userAgent: USER_AGENT };
    const atMs = Date.now();
    const first = await signInAt(site, attempt);
    if (!isChallenge(first.body)) {
      return { atMs, errand: "sign-in", wasChallenged: false, answer: first.answer };
    }
    const cookie = await payer.pay(site, first.body, headersOf(attempt)).catch(() => null);
    if (cookie !== null) keep(cookie);
    const again = cookie === null ? first : await signInAt(site, { ...attempt, clearance: cookie });
    return { atMs, errand: "sign-in", wasChallenged: true, answer: again.answer };
  }

  async function browses(address: string): Promise<Omit<Arrival, "who">> {
    const atMs = Date.now();
    try {
      const response = await fetch(`${site}/pitches`, {
        headers: headersOf({ address, userAgent: USER_AGENT }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const body = await response.text();
      const answer = answerOf(response.status, body);
      return { atMs, errand: "browse", wasChallenged: isChallenge(body), answer };
    } catch {
      return { atMs, errand: "browse", wasChallenged: false, answer: "lost" };
    }
  }

  const loops = [
    { dueBy: steadily(officePerSecond), send: office, dropped: lost("office") },
    { dueBy: steadily(newcomersPerSecond), send: newcomer, dropped: lost("newcomer") },
  ].map((loop) => startOpenLoop({ ...loop, underWayMax: UNDER_WAY_MAX }));
  return {
    arrivals,
    async [Symbol.asyncDispose]() {
      await Promise.all(loops.map((loop) => loop[Symbol.asyncDispose]()));
    },
  };
}

/** An address of its own for each; every second one is a neighbour of the attackers' machines. */
function newAddress(number: number): string {
  const half = Math.floor(number / 2);
  return number % 2 === 0
    ? `203.0.113.${100 + (half % 150)}`
    : `192.168.${(half >> 8) & 255}.${half & 255}`;
}
