/**
 * Has the API keys end of accounts that were opened after many failures, some time from now, by the statement that the site declares: until
 * then who owns them makes new ones and uses these beside the old. No key is made, read or told here.
 */
import { z } from "zod";
import { defineAct } from "../actuator.ts";
import { declaredChange, rowsOption } from "../declared-change.ts";
import { durationOption, msOf } from "../duration-option.ts";

const options = z.strictObject({
  /** How long old keys work beside new ones. */
  overlap: durationOption(0, 30 * 86_400_000).default("24h"),
  /** With more than these, somebody must look first. */
  max_keys: rowsOption,
});
type Options = z.infer<typeof options>;

export const rotateApiKeys = defineAct({
  id: "rotate-api-keys",
  kind: "act",
  options,
  plan: ({ overlap, max_keys: most }) => ({
    siteWide: false,
    touches: `at most ${most} API keys of accounts that were opened after many failures, in ${overlap}`,
  }),
  ...declaredChange<Options>({
    declared: "key_rotation",
    fill: (statement, { overlap }) =>
      statement.replace("{overlap}", `interval '${msOf(overlap) / 1_000} seconds'`),
    rowsMax: ({ max_keys: most }) => most,
    says: (accounts, { overlap }) => `end the API keys of ${accounts} in ${overlap}`,
  }),
});
