/** An app of which each service guards itself in one way; what reaches production says so. */
import { Hono } from "hono";
import { challenge } from "../../../src/guard/middleware/challenge.ts";
import { maintenanceMode } from "../../../src/guard/middleware/maintenance-mode.ts";
import { readOnly } from "../../../src/guard/middleware/read-only.ts";

type Bindings = { readonly GUARDED_BY: string };

const KEYS = JSON.stringify([{ kid: "k1", secret: "a-secret-that-only-this-test-knows" }]);
const exempt = ["/webhooks/*"];

export default new Hono<{ Bindings: Bindings }>()
  .use(
    challenge({
      isOn: (c) => c.env.GUARDED_BY === "challenge",
      signingKeys: () => KEYS,
      clientAddress: "none",
      exempt,
    }),
  )
  .use(maintenanceMode({ isOn: (c) => c.env.GUARDED_BY === "maintenance", exempt }))
  .use(
    readOnly({
      isOn: (c) => c.env.GUARDED_BY === "read-only",
      exempt,
      graphqlRoutes: ["/graphql"],
    }),
  )
  .all("*", (c) => c.text("production", 200, { "x-production": "1" }));
