/** What the stand-in for Neon keeps of a project, and the bodies that it takes: anything else is refused. */
import { z } from "zod";

export const BRANCHES_MAX = 10;

const branch = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1).max(256),
  parentId: z.string().nullable().default(null),
  /** The moment of its parent that it holds; null is when it was made. */
  parentAt: z.iso.datetime().nullable().default(null),
  expiresAt: z.iso.datetime().nullable().default(null),
  isDefault: z.boolean().default(false),
  /** What its computes used since the billing period began. */
  cpuSeconds: z.int().min(0).default(0),
});
const snapshot = z.strictObject({
  id: z.string().min(1),
  branchId: z.string().min(1),
  createdAt: z.iso.datetime(),
});
export const endpoint = z.strictObject({
  id: z.string().min(1),
  branchId: z.string().min(1),
  type: z.enum(["read_write", "read_only"]),
  name: z.string().min(1).max(64).nullable().default(null),
  minCu: z.number().default(0.25),
  maxCu: z.number().default(2),
});

/** What a PUT on its control path sets. */
export const state = z.strictObject({
  historyRetentionSeconds: z.int().min(0).default(86_400),
  branches: z
    .array(branch)
    .max(BRANCHES_MAX)
    .default([branch.parse({ id: "br-main", name: "main", isDefault: true })]),
  endpoints: z
    .array(endpoint)
    .max(100)
    .default([endpoint.parse({ id: "ep-main", branchId: "br-main", type: "read_write" })]),
  snapshots: z.array(snapshot).max(100).default([]),
});
export type NeonState = z.input<typeof state>;

export type World = z.output<typeof state>;
export type Branch = z.output<typeof branch>;
export type Endpoint = z.output<typeof endpoint>;

const cu = z.number().min(0.25).max(56);
export const newBranch = z.strictObject({
  branch: z.strictObject({
    name: z.string().min(1).max(256),
    parent_id: z
      .string()
      .regex(/^[a-z0-9-]{1,60}$/)
      .optional(),
    parent_timestamp: z.iso.datetime({ offset: true }).optional(),
    expires_at: z.iso.datetime({ precision: 0, offset: true }).optional(),
    init_source: z.enum(["parent-data", "schema-only"]).optional(),
  }),
  endpoints: z
    .array(
      z.strictObject({
        type: z.enum(["read_write", "read_only"]),
        autoscaling_limit_min_cu: cu.optional(),
        autoscaling_limit_max_cu: cu.optional(),
        suspend_timeout_seconds: z.int().min(-1).max(604_800).optional(),
      }),
    )
    .default([]),
});
export const changedBranch = z.strictObject({
  branch: z.strictObject({ name: z.string().min(1).max(256) }),
});
export const newEndpoint = z.strictObject({
  endpoint: z.strictObject({
    branch_id: z.string().regex(/^[a-z0-9-]{1,60}$/),
    type: z.enum(["read_write", "read_only"]),
    name: z.string().min(1).max(64).optional(),
    autoscaling_limit_min_cu: cu.optional(),
    autoscaling_limit_max_cu: cu.optional(),
    suspend_timeout_seconds: z.int().min(-1).max(604_800).optional(),
  }),
});
export const changedEndpoint = z.strictObject({
  endpoint: z.strictObject({
    autoscaling_limit_min_cu: cu.optional(),
    autoscaling_limit_max_cu: cu.optional(),
  }),
});
/** By LSN is left out: nobody asks for it. */
export const restoredBranch = z.strictObject({
  source_branch_id: z.string().regex(/^[a-z0-9-]{1,60}$/),
  source_timestamp: z.iso.datetime({ offset: true }).optional(),
  preserve_under_name: z.string().min(1).max(256).optional(),
});
