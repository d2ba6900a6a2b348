/** Attempts to sign in that are yet to be told, by address and account. Bounded: what finds no room is counted by kind all the same. */
import { SIGN_INS_TOLD_MAX, type SignInReport } from "../traffic/traffic-api.ts";
import type { SignInKind } from "../traffic/report-kinds.ts";

export type SignIn = {
  readonly kind: SignInKind;
  /** IPv4, or the /64 of an IPv6 address. */
  readonly address: string;
  /** A keyed hash; null without a key. */
  readonly account: string | null;
};

export class SignIns {
  #told = new Map<string, SignInReport>();

  record({ kind, address, account }: SignIn, nowMs: number): void {
    const name = `${address} ${account ?? ""}`;
    const known = this.#told.get(name);
    if (known === undefined && this.#told.size >= SIGN_INS_TOLD_MAX) return;
    const { failed, succeeded } = known ?? { failed: 0, succeeded: 0 };
    this.#told.set(name, {
      second: Math.floor(nowMs / 1_000),
      address,
      account,
      failed: failed + Number(kind === "auth.failed"),
      succeeded: succeeded + Number(kind === "auth.succeeded"),
    });
  }

  /** All of them, and begins anew. */
  cut(): readonly SignInReport[] {
    const told = [...this.#told.values()];
    this.#told = new Map();
    return told;
  }
}
