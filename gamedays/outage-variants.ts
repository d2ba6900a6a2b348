/** The ways in which production breaks in the outage gameday: what is done to it, what undoes it, and how the mitigation is felt. */
import type { StackInfo } from "../dev/stack.ts";
import { deployStorefront } from "./deploy-control.ts";
import type { PersonsPart } from "./gameday.ts";
import type { Visit } from "./measure.ts";
import { isWrite } from "./primary-down.ts";
import { controlStore } from "./store-control.ts";

/** As `dev/stack.ts` calls it. */
const BROKEN = "broken";

export type Variant = {
  /** Its declaration, `<declared>.yaml`. */
  readonly declared: string;
  /** What is done, for who watches. */
  readonly fault: string;
  readonly strike: (stack: StackInfo) => Promise<void>;
  /** What a person does to mend it in the end, and why; null where nobody needs to. */
  readonly mending: Pick<PersonsPart, "what" | "why"> | null;
  /** Leaves the stack as it was found; `live` is the storefront's version before the fault. Doing it twice is the same. */
  readonly mend: (stack: StackInfo, live: string) => Promise<void>;
  /** Whether the site's own monitoring tool says so too, later than Firebreak knows. */
  readonly isAlertedOf: boolean;
  /** Whose visits tell when the mitigation is in force. */
  readonly isTold: (visit: Visit) => boolean;
  /** What the time in which they are refused is called. */
  readonly phase: string;
};

const everybody = (): boolean => true;

export const VARIANTS = {
  "everything-down": {
    declared: "outage",
    fault: "stopping Postgres and its replica",
    strike: (stack) => controlAll(stack, ["postgres", "replica"], "stop"),
    mending: {
      what: "started Postgres and its replica",
      why: "a maintenance page informs visitors; it mends nothing",
    },
    mend: (stack) => controlAll(stack, ["postgres", "replica"], "start"),
    isAlertedOf: true,
    isTold: everybody,
    phase: "maintenance",
  },
  "primary-down": {
    declared: "primary-down",
    fault: "stopping the primary; its replica runs on",
    strike: (stack) => controlAll(stack, ["postgres"], "stop"),
    mending: {
      what: "started the primary",
      why: "a failover relieves visitors; it neither mends the primary nor promotes the replica",
    },
    mend: (stack) => controlAll(stack, ["postgres"], "start"),
    isAlertedOf: false,
    isTold: isWrite,
    phase: "failed over",
  },
  "bad-deployment": {
    declared: "bad-deployment",
    fault: "deploying a broken version",
    strike: (stack) => deployStorefront(stack, BROKEN),
    mending: null,
    mend: deployStorefront,
    isAlertedOf: false,
    isTold: everybody,
    phase: "maintenance",
  },
} as const satisfies Readonly<Record<string, Variant>>;

export type VariantName = keyof typeof VARIANTS;
export const isVariant = (name: string): name is VariantName => Object.hasOwn(VARIANTS, name);

async function controlAll(
  stack: StackInfo,
  stores: readonly Parameters<typeof controlStore>[1][],
  action: "stop" | "start",
): Promise<void> {
  await Promise.all(stores.map((store) => controlStore(stack, store, action)));
}
