/** Attempts to sign in within the last hour, by network: the document's look at authentication logs. Accounts are counted, never named. */
import { signInNetworksQuery, signInTotalsQuery } from "../../audit/audit.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

export const auditSignIns = defineCollector({
  id: "audit-sign-ins",

  async collect(context) {
    const sql = context.audit?.sign_ins;
    if (sql === undefined) {
      return err({ class: "refuse", detail: "site.yaml declares no audit.sign_ins" });
    }
    const totals = await rowsOf(context, signInTotalsQuery(sql));
    if (!totals.ok) return totals;
    const networks = await rowsOf(context, signInNetworksQuery(sql));
    if (!networks.ok) return networks;
    const [all] = totals.value;
    if (all === undefined) return err({ class: "retry", detail: "the database gave no totals" });
    const { failed, attempts, accounts, addresses, offenders } = all;
    return ok({
      summary: `Within the hour ${failed} of ${attempts} attempts to sign in failed, at ${accounts} accounts from ${addresses} addresses; ${offenders} of these failed more than five times`,
      // Whoever may read the names finds them with the site's own statement.
      facts: { totals: all, networks: networks.value, statement: sql },
    });
  },
});
