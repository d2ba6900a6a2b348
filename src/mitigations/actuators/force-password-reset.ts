/** Makes accounts choose a new password that were opened after many failures, and nobody else, by the statement that the site declares. */
import { z } from "zod";
import { defineAct } from "../actuator.ts";
import { declaredChange, rowsOption } from "../declared-change.ts";

const options = z.strictObject({
  /** With more than these, somebody must look first. */
  max_accounts: rowsOption,
});
type Options = z.infer<typeof options>;

export const forcePasswordReset = defineAct({
  id: "force-password-reset",
  kind: "act",
  options,
  plan: ({ max_accounts: most }) => ({
    siteWide: false,
    touches: `at most ${most} accounts that were opened after many failures`,
  }),
  ...declaredChange<Options>({
    declared: "password_reset",
    fill: (statement) => statement,
    rowsMax: ({ max_accounts: most }) => most,
    says: (accounts) => `have ${accounts} choose a new password`,
  }),
});
