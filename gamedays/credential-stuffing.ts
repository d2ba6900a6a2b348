/**
 * Who tries stolen passwords: a few machines that try many accounts each, and thousands of addresses that try once. Nearly all they try is
 * wrong; each machine's eleventh is right. They pay for nothing, and try all the harder once something is in their way.
 */
import { startOpenLoop, steadily } from "./open-loop.ts";
import { emailOf, PASSWORD } from "./shop-accounts.ts";
import { headersOf, signInAt, type SignInAnswer } from "./sign-in.ts";

const MACHINES = 2;
/** Of all machines together. */
const MACHINES_PER_SECOND = 6;
/** Of the addresses that try once: a few at first, and many once they find something in their way. */
const FIRST_PER_SECOND = 4;
const THEN_PER_SECOND = 60;
/** Of the ten before, none is: who opens more than one in ten is left to steps that ask. */
const RIGHT_AT = 10;
/** The members whose passwords were stolen, one for each machine. */
const FIRST_STOLEN = 100;
const UNDER_WAY_MAX = 300;
/** What half the world uses, the shop's customers among them. */
const USER_AGENT = "gameday-visitor";

export type Try = {
  readonly atMs: number;
  readonly from: "machine" | "once";
  readonly address: string;
  readonly answer: SignInAnswer;
};
/** A session that a thief holds. */
export type Loot = { readonly member: number; readonly session: string };

export type Stuffing = AsyncDisposable & {
  readonly tries: readonly Try[];
  readonly loot: readonly Loot[];
};

/** Starts it. Disposing sends no more and waits for what is under way. */
export function startStuffing(site: string): Stuffing {
  const tries: Try[] = [];
  const loot: Loot[] = [];

  const send = async (from: Try["from"], { address, member, ...typed }: Planned): Promise<void> => {
    const atMs = Date.now();
    const attempt = { address, ...typed, userAgent: USER_AGENT };
    const { answer, session } = await signInAt(site, attempt);
    tries.push({ atMs, from, address, answer });
    if (session !== null && member !== null) loot.push({ member, session });
  };
  const start = (
    from: Try["from"],
    dueBy: (seconds: number) => number,
    planned: (turn: number) => Planned,
  ): AsyncDisposable =>
    startOpenLoop({
      dueBy,
      underWayMax: UNDER_WAY_MAX,
      send: (turn) => send(from, planned(turn)),
      dropped: () => tries.push({ atMs: Date.now(), from, address: "nobody", answer: "lost" }),
    });
  const firstMetAtMs = (): number | undefined =>
    tries.find(({ answer }) => answer === "challenged")?.atMs;
  const startedAtMs = Date.now();
  const growing = (seconds: number): number => {
    const metAtMs = firstMetAtMs();
    const harder = metAtMs === undefined ? 0 : seconds - (metAtMs - startedAtMs) / 1_000;
    return FIRST_PER_SECOND * seconds + (THEN_PER_SECOND - FIRST_PER_SECOND) * harder;
  };
  const loops = [
    start("machine", steadily(MACHINES_PER_SECOND), machineTry),
    start("once", growing, onceTry),
  ];
  return {
    tries,
    loot,
    async [Symbol.asyncDispose]() {
      await Promise.all(loops.map((loop) => loop[Symbol.asyncDispose]()));
    },
  };
}

type Planned = {
  readonly address: string;
  readonly email: string;
  readonly password: string;
  /** Whose password it really is. */
  readonly member: number | null;
};

function machineTry(turn: number): Planned {
  const machine = turn % MACHINES;
  const round = Math.floor(turn / MACHINES);
  const address = `203.0.113.${machine + 1}`;
  if (round === RIGHT_AT) {
    const member = FIRST_STOLEN + machine;
    return { address, email: emailOf(member), password: PASSWORD, member };
  }
  // Of each machine's list a part are accounts of this shop.
  const email = round % 4 === 0 ? emailOf(120 + ((turn * 7) % 80)) : `${turn}@elsewhere.invalid`;
  return { address, email, password: `leaked-${turn}`, member: null };
}

function onceTry(turn: number): Planned {
  const address = `10.${(turn >> 8) & 255}.${turn & 255}.${(turn % 250) + 1}`;
  return { address, email: `${turn}@leaked.invalid`, password: `leaked-${turn}`, member: null };
}

/** What came of using a stolen session, from an address of its own: `true` when production took it. */
export async function useLoot(site: string, { member, session }: Loot): Promise<boolean> {
  const headers = headersOf({ address: `192.0.2.${member % 250}`, userAgent: USER_AGENT });
  const response = await fetch(`${site}/pitches`, {
    method: "POST",
    headers: { ...headers, Cookie: session, "Content-Type": "application/json" },
    body: JSON.stringify({ title: "Not mine", summary: "By a thief.", price_cents: 100 }),
    signal: AbortSignal.timeout(10_000),
  });
  await response.body?.cancel();
  return response.status === 201;
}
