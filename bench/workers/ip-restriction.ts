/** hono/ip-restriction with a list of NETWORKS networks, in front of production. */
import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { ipRestriction } from "hono/ip-restriction";
import { networksOfOthers } from "../networks.ts";

type Env = { readonly ORIGIN: Fetcher; readonly NETWORKS: string };

const networks = networksOfOthers(Number(Reflect.get(env, "NETWORKS")));
const app = new Hono<{ Bindings: Env }>();
app.use(ipRestriction((c) => c.req.header("cf-connecting-ip") ?? "", { denyList: [...networks] }));
app.all("*", (c) => c.env.ORIGIN.fetch(c.req.raw));

export default app;
