/** What every resource's routes share: the app's type, how bodies are bounded, how problems are documented. */
import { OpenAPIHono, type z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { requireRole, type HttpEnv, type Role } from "./auth.ts";
import { Problem } from "./problems.ts";
import { problem } from "./schemas.ts";
import { fieldErrors } from "./validation.ts";

/** Commands, overrides and the like. */
export const API_BODY_BYTES_MAX = 64 * 1024;
/** A post-mortem is prose. */
export const POSTMORTEM_BODY_BYTES_MAX = 512 * 1024;
/** A delivery of a monitoring tool. */
export const WEBHOOK_BODY_BYTES_MAX = 1024 * 1024;

export type Api = OpenAPIHono<HttpEnv>;

/** An app whose refusals of malformed requests are problems. */
export const newApi = (): Api =>
  new OpenAPIHono<HttpEnv>({
    strict: false,
    defaultHook: (result) => {
      if (result.success) return;
      // A name that cannot be one names nothing.
      if (result.target === "param") throw new Problem("not-found", "There is nothing here.");
      const where = result.target === "json" ? "body" : result.target;
      const given = "data" in result ? result.data : undefined;
      throw new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
        errors: fieldErrors(where, result.error.issues, given),
      });
    },
  });

/** Refuses larger bodies, before anything reads them. */
export const limitBody = (limitBytes: number) =>
  bodyLimit({
    maxSize: limitBytes,
    onError: () => {
      throw new Problem("payload-too-large", `This route takes at most ${limitBytes} bytes.`, {
        limitBytes,
      });
    },
  });

type Guarded = {
  readonly security: { bearer: string[] }[];
  readonly middleware: [MiddlewareHandler<HttpEnv>, MiddlewareHandler];
};

/** Who may call a route, and with how large a body; for the document and for real. */
export const forRole = (role: Role, bodyBytesMax = API_BODY_BYTES_MAX): Guarded => ({
  security: [{ bearer: [] }],
  middleware: [requireRole(role), limitBody(bodyBytesMax)],
});

/** The answer to everything that goes wrong. */
export const problems = {
  default: {
    description: "What went wrong",
    content: { "application/problem+json": { schema: problem } },
  },
} as const;

/** A described JSON answer. */
export const answers = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** A JSON body, as a route declares it. */
export type JsonBody = {
  required?: true;
  content: { "application/json": { schema: z.ZodType } };
};

/** A required JSON body. */
export const takes = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true as const,
  content: { "application/json": { schema } },
});

/** A JSON body that may be left out, which means an empty object. */
export const optionally = <Schema extends z.ZodType>(schema: Schema) => ({
  content: { "application/json": { schema } },
});
