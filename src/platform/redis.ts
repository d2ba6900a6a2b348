/**
 * A thin client of the Upstash driver: does Redis answer, and what does it say of itself? The driver's habits are switched off, each for a reason:
 * auto-pipelining and telemetry (one plain command on the wire), JSON guessing, and retries. `retry: false` still retries once;
 * only `retries: 0` does not. The signal must be a function: an aborted plain signal would look like an empty answer.
 */
import { Redis as Upstash } from "@upstash/redis/cloudflare";
import { errorName } from "./error-name.ts";
import { storeFailure, type StoreFailure } from "./store-failure.ts";
import { err, ok, type Result } from "../shared/result.ts";

export const INFO_CHARACTERS_MAX = 64_000;

export type RedisConfig = { readonly url: string; readonly token: string };

export type Redis = {
  /** Does it answer `PING`, and how fast? No error holds the token, a command or a value. */
  readonly ping: (
    signal: AbortSignal,
  ) => Promise<Result<{ readonly tookMs: number }, StoreFailure>>;
  /** Runs a script of ours. @throws {Error} whose message must go no further: it quotes the command. */
  readonly eval: (
    script: string,
    keys: readonly string[],
    args: readonly string[],
    signal: AbortSignal,
  ) => Promise<unknown>;
  /** What it says about itself, in Redis's own `name:value` lines. */
  readonly info: (signal: AbortSignal) => Promise<Result<string, StoreFailure>>;
};

/** Makes the client; it connects nowhere until it is asked something. */
export function createRedis(config: RedisConfig): Redis {
  return {
    async ping(signal) {
      const startedAtMs = Date.now();
      try {
        const answer = await redisDriver(config, signal).ping();
        return answer === "PONG"
          ? ok({ tookMs: Date.now() - startedAtMs })
          : err(storeFailure("malformed", "PING did not answer PONG"));
      } catch (error) {
        return err(classify(error, signal));
      }
    },

    eval: (script, keys, args, signal) =>
      redisDriver(config, signal).eval(script, [...keys], [...args]),

    async info(signal) {
      try {
        const answer = await redisDriver(config, signal).info();
        return typeof answer === "string"
          ? ok(answer.slice(0, INFO_CHARACTERS_MAX))
          : err(storeFailure("malformed", "INFO did not answer with text"));
      } catch (error) {
        return err(classify(error, signal));
      }
    },
  };
}

/** The driver has no INFO. */
class Driver extends Upstash {
  async info(): Promise<unknown> {
    const { result } = await this.client.request<unknown>({ body: ["info"] });
    return result;
  }
}

/** A client for one deadline. What it throws goes no further: its messages quote commands. */
export const redisDriver = ({ url, token }: RedisConfig, signal: AbortSignal): Driver =>
  new Driver({
    url,
    token,
    signal: () => signal,
    retry: { retries: 0 },
    enableAutoPipelining: false,
    enableTelemetry: false,
    automaticDeserialization: false,
    responseEncoding: false,
    readYourWrites: false,
  });

/** The driver keeps no status, so its message decides; it is read here and goes no further, because it quotes the command. */
function classify(error: unknown, signal: AbortSignal): StoreFailure {
  if (signal.aborted) return storeFailure("timeout", "no answer within the deadline");
  if (!(error instanceof Error)) return storeFailure("malformed", errorName(error));
  switch (error.name) {
    case "UrlError":
      return storeFailure("refused", "REDIS_URL is not an http(s) URL");
    case "UpstashJSONParseError":
      return storeFailure("malformed", "the answer is not JSON");
    case "UpstashError":
      return /unauthorized|WRONGPASS|NOAUTH|NOPERM|max (daily )?requests? limit/i.test(
        error.message,
      )
        ? storeFailure("refused", "Redis refused our token or our quota is spent")
        : storeFailure("unreachable", "the endpoint answered with an error");
    default:
      return error.message === "Request did not return a result"
        ? storeFailure("malformed", "the answer holds no result")
        : storeFailure("unreachable", errorName(error));
  }
}
