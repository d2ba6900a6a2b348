/** Switches a part of the site off: by its routes, or by the name that `site.yaml` gives it, which production may ask for through the SDK. */
import { z } from "zod";
import { featureHeader, featureRoutes } from "../../policy/words.ts";
import { defineLease } from "../actuator.ts";
import { guardEntry } from "../guard-entry.ts";

const options = z
  .strictObject({
    /** A feature of `site.yaml`. */
    feature: z.string().min(1).max(60).optional(),
    /** Or its paths, and prefixes that end in `/*`. */
    routes: featureRoutes.optional(),
    /** With routes: only requests that carry this header, with this value if it is given. */
    header: featureHeader.optional(),
    /** What visitors read; without it, the site's own sentence. */
    message: z.string().trim().min(1).max(500).optional(),
    /** What a request for it meets when the guard itself is in trouble: served all the same, or refused. */
    fail: z.enum(["open", "closed"]).default("open"),
  })
  .refine(({ feature, routes }) => (feature === undefined) !== (routes === undefined), {
    path: ["routes"],
    message: "name either a feature or its routes",
  })
  .refine(({ header, routes }) => header === undefined || routes !== undefined, {
    path: ["header"],
    message: "a header narrows routes; a feature has its own in site.yaml",
  });

type Options = z.infer<typeof options>;

export const disableFeatures = defineLease({
  id: "disable-features",
  kind: "lease",
  options,
  ...guardEntry<Options>(
    ({ feature, routes, header, message, fail }) => ({
      kind: "disabled-feature",
      match: feature === undefined ? { routes, ...(header && { header }) } : { feature },
      action: message === undefined ? {} : { message },
      fail,
    }),
    {
      touches: ({ feature, routes = [] }) =>
        `every visitor of ${feature ?? routes.join(", ")}, and nobody else`,
      siteWide: false,
      masks: [],
      // A feature that was off for its own sake is wanted back whole: half a checkout is worse than none.
      release: "at_once",
    },
  ),
});
