/** How an act declines where what it is for is not the case: nothing went wrong, and nobody has anything to mend. */
import { err } from "../shared/result.ts";

export const notApplicable = (detail: string) =>
  err({ class: "refuse", detail, notApplicable: true } as const);
