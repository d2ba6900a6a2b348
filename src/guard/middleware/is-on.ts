import type { Context } from "hono";
import { say } from "../../shared/log.ts";

/** Asked for each request: a flag, a binding, a lookup. If it fails, the request is served as if it were off. */
export type IsOn = (c: Context) => boolean | Promise<boolean>;

/** A switch that cannot be read must not take the site down. */
export async function isOnOrNot(isOn: IsOn, c: Context): Promise<boolean> {
  try {
    return await isOn(c);
  } catch (fault) {
    say("error", {
      part: "guard",
      detail: "the switch could not be read, so the request is served",
      fault: String(fault),
    });
    return false;
  }
}
