/** The texts that the build writes from the checked playbooks and from the schemas; the same input gives the same text. */
import { z } from "zod";
import type { Bundle } from "./bundled.ts";
import { playbook } from "./schema.ts";
import { site } from "./site.ts";

/** The module that the Worker imports. */
export const bundleModule = (bundle: Bundle): string =>
  [
    "/** Made by `npm run generate` from playbooks/*.yaml. Do not edit. */",
    'import type { Bundle } from "./bundled.ts";',
    "",
    `const bundle: Bundle = ${JSON.stringify(bundle, null, 2)};`,
    "",
    "export default bundle;",
    "",
  ].join("\n");

/** What editors check a playbook against while it is written. */
export const playbookJsonSchema = (): string => jsonSchema(playbook, "A Firebreak playbook");

/** What editors check `site.yaml` against. */
export const siteJsonSchema = (): string => jsonSchema(site, "A site that Firebreak guards");

const jsonSchema = (schema: z.ZodType, title: string): string =>
  `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: "input" }) }, null, 2)}\n`;
