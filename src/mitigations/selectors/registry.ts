/** Every selector there is. A new one is a file here and a line below. */
import type { SelectorWords } from "../../playbooks/vocabulary.ts";
import { asSelector } from "../selector.ts";
import { apiOffenders } from "./api-offenders.ts";
import { authOffenders } from "./auth-offenders.ts";
import { trafficSuspects } from "./traffic-suspects.ts";

export const selectors = {
  [apiOffenders.id]: asSelector(apiOffenders),
  [authOffenders.id]: asSelector(authOffenders),
  [trafficSuspects.id]: asSelector(trafficSuspects),
} as const;

/** The words playbooks use about selectors. */
export const selectorWords = (): Readonly<Record<string, SelectorWords>> =>
  Object.fromEntries(Object.entries(selectors).map(([id, { words }]) => [id, words]));
