/**
 * A statement that makes those choose a new password whose accounts were opened after many failures, and nobody else, for a person to read
 * and run. Accounts are counted, never named.
 */
import { affectedQuery, affectedSql } from "../../audit/audit.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

/** An attack is seen after it began. */
const BEFORE_ONSET_MS = 3_600_000;

export const passwordReset = defineCollector({
  id: "password-reset",

  async collect(context) {
    const { audit, onsetAtMs, atMs } = context;
    if (audit?.sign_ins === undefined || audit.password_reset === undefined) {
      const detail = "site.yaml declares no audit.sign_ins or no audit.password_reset";
      return err({ class: "refuse", detail });
    }
    const window = [onsetAtMs - BEFORE_ONSET_MS, atMs] as const;
    const counted = await rowsOf(context, affectedQuery(audit.sign_ins, ...window));
    if (!counted.ok) return counted;
    const accounts = counted.value[0]?.accounts ?? 0;
    if (accounts === 0) {
      return ok({
        summary: "No account was opened after many failures; nobody needs a new password",
        facts: { accounts, statement: null },
      });
    }
    const affected = affectedSql(audit.sign_ins, ...window);
    return ok({
      summary: `A statement that makes ${accounts} ${accounts === 1 ? "account" : "accounts"} choose a new password, opened after many failures; a person reads and runs it`,
      // A function, so that no "$" in the query means anything.
      facts: {
        accounts,
        statement: audit.password_reset.replace("{accounts}", () => affected),
      },
    });
  },
});
