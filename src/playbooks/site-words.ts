/** Words that several parts of `site.yaml` are written in: ids, routes, the names of headers. */
import { z } from "zod";
import { isWholeSite } from "../policy/patterns.ts";

export const ROUTES_MAX = 64;

export const id = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/)
  .max(60);
export const path = z
  .string()
  .regex(/^\/\S*$/, "write a path that starts with /")
  .max(500);
/** `/assets/*` matches everything below, and itself; `/assets/+` only what is below; otherwise, the path alone. */
export const routePattern = path.describe("A path, or a prefix that ends in /* or in /+");
export const partPattern = routePattern.refine(
  (pattern) => !isWholeSite(pattern),
  "/* is the whole site, and /+ nearly",
);
export const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/)
  .max(100);
