/** What was privileged, or came from an address that is new to the account, within the last day: the document's look at data access. */
import { unusualAccessesQuery } from "../../audit/audit.ts";
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";
import { rowsOf } from "./postgres-rows.ts";

export const auditAccesses = defineCollector({
  id: "audit-accesses",

  async collect(context) {
    const { audit } = context;
    if (audit?.accesses === undefined) {
      return err({ class: "refuse", detail: "site.yaml declares no audit.accesses" });
    }
    const read = await rowsOf(context, unusualAccessesQuery(audit.accesses, audit));
    if (!read.ok) return read;
    const sum = (rows: typeof read.value): number =>
      rows.reduce((total, { accesses }) => total + accesses, 0);
    const privileged = sum(read.value.filter((row) => row.is_privileged));
    const strange = sum(read.value.filter((row) => row.is_unknown === true));
    const from =
      audit.known_addresses === undefined
        ? "which addresses are known is not declared"
        : `${strange} accesses came from addresses that are new to their accounts`;
    return ok({
      summary: `Within the day ${privileged} privileged actions; ${from}`,
      facts: { accesses: read.value, statement: audit.accesses },
    });
  },
});
