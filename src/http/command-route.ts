/** The shape that every command to an incident has over HTTP. */
import { createRoute, z } from "@hono/zod-openapi";
import { answers, forRole, problems, type JsonBody } from "./api-app.ts";
import { idempotencyHeaders } from "./idempotency.ts";
import { commandAnswer, incidentId, mitigationId } from "./schemas.ts";

const responses = { 200: answers(commandAnswer, "Done"), ...problems };

/** `POST /incidents/{id}/<name>`. */
export const incidentCommand = <const Name extends string, Body extends JsonBody>(
  name: Name,
  summary: string,
  body: Body,
) =>
  createRoute({
    ...forRole("responder"),
    method: "post",
    path: `/api/v1/incidents/{id}/${name}`,
    tags: ["incidents"],
    summary,
    request: { params: z.object({ id: incidentId }), headers: idempotencyHeaders, body },
    responses,
  });

/** `POST /incidents/{id}/mitigations/{mid}/<name>`. */
export const mitigationCommand = <const Name extends string, Body extends JsonBody>(
  name: Name,
  summary: string,
  body: Body,
) =>
  createRoute({
    ...forRole("responder"),
    method: "post",
    path: `/api/v1/incidents/{id}/mitigations/{mid}/${name}`,
    tags: ["mitigations"],
    summary,
    request: {
      params: z.object({ id: incidentId, mid: mitigationId }),
      headers: idempotencyHeaders,
      body,
    },
    responses,
  });
