/** The part of `site.yaml` about tools that no file here knows: how their webhooks prove themselves, and what is an alert in them. */
import { z } from "zod";
import { MAPPING_LENGTH_MAX, mappingProblem, type MappingType } from "../expressions/mapping.ts";

export const MAPPED_WEBHOOKS_MAX = 16;

const expression = (type: MappingType) =>
  z
    .string()
    .min(1)
    .max(MAPPING_LENGTH_MAX)
    .superRefine((source, ctx) => {
      const message = mappingProblem(source, type);
      if (message !== null) ctx.addIssue({ code: "custom", message });
    });

export const mappedWebhook = z
  .strictObject({
    /** The last part of `/_firebreak/webhooks/<id>`; the secret is `WEBHOOK_<ID>`. */
    id: z
      .string()
      .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
      .max(60),
    /** `secret`: in Authorization, as a bearer token or basic; `address`: as `?key=`; or an HMAC-SHA256 of the body, in hex. */
    proof: z.enum(["secret", "address", "hmac-sha256"]).default("secret"),
    /** Where the HMAC stands, and what stands before it, such as `sha256=`. */
    header: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/)
      .max(100)
      .optional(),
    prefix: z.string().max(20).default(""),
    /** A list of alerts in the delivery; without it the delivery is one, and `item` is `body`. */
    items: expression("list").optional(),
    /** True of what is no alert: it is taken and noted. */
    ignored: expression("bool").optional(),
    /** True while it fires; else it has ended. */
    firing: expression("bool"),
    /** What finds the same alert again. */
    fingerprint: expression("string"),
    title: expression("string"),
    /** In the tool's words: critical, P1, warning, …; SEV-3 without it. */
    severity: expression("any").optional(),
    /** When this episode began: RFC 3339, or seconds since 1970; when it arrived without it. */
    starts_at: expression("any").optional(),
    /** When this was said, in the same words: what is older than the inbox remembers opens nothing, though somebody sends it again. */
    said_at: expression("any").optional(),
    /** What its alerts are grouped by; one incident for a group. */
    group: expression("string").optional(),
  })
  .refine(({ proof, header }) => (proof === "hmac-sha256") === (header !== undefined), {
    path: ["header"],
    message: "an HMAC needs the header that it stands in, and nothing else has one",
  });

export type MappedWebhook = z.infer<typeof mappedWebhook>;
