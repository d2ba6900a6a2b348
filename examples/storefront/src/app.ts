/** What the storefront's routes share. */
import type { Env } from "./env.ts";
import type { Stores } from "./stores.ts";

export type App = { Bindings: Env; Variables: { stores: Stores } };
