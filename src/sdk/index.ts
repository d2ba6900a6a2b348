/**
 * What a production Worker imports to let Firebreak help it from inside: `firebreak/sdk`. One `Firebreak` per isolate, one `Database`
 * and one `Payments` per request. Without a Firebreak, or with one that is dead, they are an ordinary query function and the
 * merchant's own provider.
 */
import { clientNameOf } from "../guard/ip/network-name.ts";
import { Payments, PaymentsMemory, type PaymentsOptions } from "../payments/payments.ts";
import { isSignIn, type ReportKind } from "../traffic/report-kinds.ts";
import { Accounts } from "./accounts.ts";
import { Database, DatabaseMemory, type Connections } from "./database.ts";
import { reportsOf } from "./failures.ts";
import { PolicyView, type PolicyReader, type WaitUntil } from "./policy-view.ts";
import { Reporter, type ReportReceiver } from "./reporter.ts";
import { Security, type StrictMode } from "./security.ts";

export type { CacheStore } from "./query-cache.ts";
export type { Connections, Database, QueryOptions } from "./database.ts";
export type { Payment, Settlement } from "../payments/payment.ts";
export type { Payments, PaymentsOptions, Receipt } from "../payments/payments.ts";
export type { Ask, Charged, Found, PaymentProvider } from "../payments/provider.ts";
export type { BookedOrder, Reconciled } from "../payments/reconcile.ts";
export type { Books } from "../payments/reconciliation.ts";
export type { PaymentStore } from "../payments/retry-queue.ts";
export type { PoolSettings } from "./pool.ts";
export type { Row, Sql } from "./sql.ts";
export type { PolicyReader, ReportKind, ReportReceiver, Security, StrictMode };

/** How long who asks for a session may wait for the first policy of an isolate. */
export const BEGIN_DEADLINE_MS = 100;

export type SignInParties = {
  /** Of the visitor, as Cloudflare names it. */
  readonly address: string;
  /** What was typed as account, in one spelling; it is hashed before it leaves. */
  readonly account?: string;
};

export type Session = {
  /** Stable for one visitor, so that half a release finds the same visitors each time; empty for nobody in particular. */
  readonly key: string;
  /** `database.wroteAtMs` of an earlier request, from a cookie; null for none. */
  readonly wroteAtMs: number | null;
};

export type FirebreakBindings = {
  /** Gives Firebreak's policy object (bind `GuardPolicy`, get it by the name `policy`), anew for each use; null for none. */
  readonly policy: () => PolicyReader | null;
  /** Gives the object that takes reports (bind `Traffic`, get it by `traffic:<shard>`), anew for each use; without it nothing is reported. */
  readonly traffic?: (name: `traffic:${number}`) => ReportReceiver | null;
  /** A secret of production's own, of at least 16 characters: what accounts are hashed with before Firebreak hears of them. Without it, it never does. */
  readonly accountKey?: string | undefined;
};

export class Firebreak {
  readonly #view: PolicyView;
  readonly #memory: DatabaseMemory;
  readonly #accounts: Accounts;
  readonly #payments = new PaymentsMemory();
  readonly #reporter: Reporter | null;

  constructor({ policy, traffic, accountKey }: FirebreakBindings) {
    const random = (): number => Math.random();
    this.#view = new PolicyView({ reader: policy, random });
    this.#memory = new DatabaseMemory(random);
    this.#accounts = new Accounts(accountKey);
    this.#reporter =
      traffic === undefined
        ? null
        : new Reporter({
            receiver: (shard) => traffic(`traffic:${shard}`),
            shards: () => this.#view.trafficShards,
            newIsolateId: () => crypto.randomUUID(),
          });
  }

  /** The database for one request. `waitUntil` takes what may go on after the answer. */
  database(
    connections: Connections,
    { session, waitUntil }: { readonly session: Session; readonly waitUntil: WaitUntil },
  ): Database {
    return new Database({
      connections,
      memory: this.#memory,
      asked: () => this.#view.asked(session.key, waitUntil),
      wroteAtMs: session.wroteAtMs,
      waitUntil,
      watch: {
        asked: () => this.#reporter?.alive(Date.now(), waitUntil),
        failed: (error) => this.reportFailure(error, waitUntil),
      },
    });
  }

  /** Payments for one request. `session.key` decides who is charged where while some are charged elsewhere. */
  payments(
    options: PaymentsOptions,
    {
      session,
      waitUntil,
    }: { readonly session: Pick<Session, "key">; readonly waitUntil: WaitUntil },
  ): Payments {
    return new Payments({
      options,
      memory: this.#payments,
      asked: (key) => this.#view.asked(key, waitUntil),
      sessionKey: session.key,
      waitUntil,
      report: (kind) => this.report(kind, waitUntil),
      random: () => Math.random(),
      newToken: () => crypto.randomUUID(),
    });
  }

  /**
   * Tells Firebreak that it happened once, in the background: that, and nothing about whom or what. Of a sign-in it may say from which
   * address, and to which account, of which Firebreak gets a keyed hash.
   */
  report(kind: ReportKind, waitUntil: WaitUntil, who?: SignInParties): void {
    const reporter = this.#reporter;
    if (reporter === null) return;
    const nowMs = Date.now();
    reporter.record(kind, nowMs, waitUntil);
    const address = who === undefined || !isSignIn(kind) ? null : clientNameOf(who.address);
    if (who === undefined || !isSignIn(kind) || address === null) return;
    const hashed = who.account === undefined ? null : this.#accounts.hashOf(who.account);
    waitUntil(
      Promise.resolve(hashed).then((account) =>
        reporter.tell({ kind, address, account }, nowMs, waitUntil),
      ),
    );
  }

  /** What is asked of this visitor's sign-in and session. In a new isolate it waits for that, 100 ms at most. */
  async security(session: Pick<Session, "key">, waitUntil: WaitUntil): Promise<Security> {
    await this.#view.begun(BEGIN_DEADLINE_MS, waitUntil);
    return new Security({
      strict: this.#view.asked(session.key, waitUntil)["strict-mode"],
      revocations: this.#view.allOf("sessions-revoked", waitUntil),
      accounts: this.#accounts,
      allowlist: this.#view.allowlist,
    });
  }

  /**
   * Whether a part of the site is switched off now (`disable-features`), by its name under `features` in `site.yaml`: ask before what it does.
   * From memory; a new isolate begins as if nothing were.
   */
  isOff(
    feature: string,
    {
      session,
      waitUntil,
    }: { readonly session: Pick<Session, "key">; readonly waitUntil: WaitUntil },
  ): boolean {
    return this.#view.isOff(feature, session.key, waitUntil);
  }

  /** Tells of a query that did not go through `Database`, such as one of a `Pool`: what its error says of the database. */
  reportFailure(error: unknown, waitUntil: WaitUntil): void {
    for (const kind of reportsOf(error)) this.report(kind, waitUntil);
  }
}
