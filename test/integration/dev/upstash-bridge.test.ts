import { startRedisStandIn } from "../../../dev/redis-stand-in.ts";
import { upstashContract } from "../../contract/upstash.ts";

upstashContract("the stand-in", async () => startRedisStandIn());
