/** Writes configurations for bare `workerd serve`: Miniflare's own proxy costs several times what is measured here. */

export type Service = {
  readonly name: string;
  /** A bundled module, or an HTTP server on loopback. */
  readonly of: WorkerService | ExternalService;
};

export type WorkerService = {
  readonly kind: "worker";
  /** Path of the bundle, relative to the configuration. */
  readonly module: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  /** Durable Object classes that the module exports. */
  readonly objects?: readonly string[];
  /** The service that the Cache API asks; without one it is not there. */
  readonly cache?: string;
  readonly flags?: readonly (typeof EXPERIMENTAL)[];
};
/** What only workerd's own people should use; it must be told so at its start, too. */
export const EXPERIMENTAL = "experimental";

/** A module of the runtime's own, as far as Workers can tell; `path` is relative to the configuration. */
export type Extension = {
  readonly name: string;
  readonly path: string;
  /** For bindings and other extensions alone. */
  readonly isInternal: boolean;
};

export type ExternalService = { readonly kind: "external"; readonly address: string };

export type Binding =
  | { readonly service: string }
  | { readonly text: string }
  | { readonly object: string; readonly of: string }
  | { readonly kv: string }
  | { readonly json: string }
  /** What an extension makes of other bindings. */
  | { readonly wrappedBy: string; readonly inner: Readonly<Record<string, Binding>> };

/** Where visitors ask; port 0 is a free one. */
export type Socket = { readonly name: string; readonly service: string };

/** Cloudflare's view of the connection travels in this header, as nothing else fills `request.cf` in here. */
export const CF_HEADER = "bench-cf";
export const COMPATIBILITY_DATE = "2026-10-01";

export const configText = (
  services: readonly Service[],
  sockets: readonly Socket[],
  extensions: readonly Extension[] = [],
): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${[STORAGE_SERVICE, INTERNET_SERVICE, ...services.map(serviceText)].join(", ")}],
  sockets = [${sockets.map(socketText).join(", ")}],
  extensions = [(modules = [${extensions.map(extensionText).join(", ")}])],
);
`;

/** Of every Durable Object; below the directory that workerd runs in. */
export const STORAGE = "storage";
const STORAGE_SERVICE = `(name = "${STORAGE}", disk = (path = "${STORAGE}", writable = true))`;

/** What a Worker reaches without a binding: this machine, where the rest of the bench is, and nothing of the world. */
const INTERNET_SERVICE = `(name = "internet", network = (allow = ["local"]))`;

const quoted = (text: string): string => JSON.stringify(text);

const extensionText = ({ name, path, isInternal }: Extension): string =>
  `(name = ${quoted(name)}, esModule = embed ${quoted(path)}, internal = ${isInternal})`;

const socketText = ({ name, service }: Socket): string =>
  `(name = ${quoted(name)}, address = "127.0.0.1:0", service = ${quoted(service)}, ` +
  `http = (cfBlobHeader = ${quoted(CF_HEADER)}))`;

const serviceText = ({ name, of }: Service): string =>
  of.kind === "external"
    ? `(name = ${quoted(name)}, external = (address = ${quoted(of.address)}, http = ()))`
    : `(name = ${quoted(name)}, worker = (${workerText(name, of)}))`;

function workerText(
  name: string,
  { module, bindings, objects = [], cache, flags = [] }: WorkerService,
): string {
  const parts = [
    `modules = [(name = "worker.js", esModule = embed ${quoted(module)})]`,
    `compatibilityDate = ${quoted(COMPATIBILITY_DATE)}`,
    `compatibilityFlags = [${flags.map(quoted).join(", ")}]`,
    `bindings = [${Object.entries(bindings).map(bindingText).join(", ")}]`,
  ];
  if (objects.length > 0) {
    const namespaces = objects.map(
      (object) =>
        `(className = ${quoted(object)}, uniqueKey = ${quoted(`${name}-${object}`)}, enableSql = true)`,
    );
    parts.push(`durableObjectNamespaces = [${namespaces.join(", ")}]`);
    // In memory they would have no SQL.
    parts.push(`durableObjectStorage = (localDisk = ${quoted(STORAGE)})`);
  }
  if (cache !== undefined) parts.push(`cacheApiOutbound = ${quoted(cache)}`);
  return parts.join(", ");
}

function bindingText([name, binding]: readonly [string, Binding]): string {
  const head = `name = ${quoted(name)}`;
  if ("service" in binding) return `(${head}, service = ${quoted(binding.service)})`;
  if ("text" in binding) return `(${head}, text = ${quoted(binding.text)})`;
  if ("json" in binding) return `(${head}, json = ${quoted(binding.json)})`;
  if ("wrappedBy" in binding) {
    const inner = Object.entries(binding.inner).map(bindingText).join(", ");
    return `(${head}, wrapped = (moduleName = ${quoted(binding.wrappedBy)}, innerBindings = [${inner}]))`;
  }
  if ("kv" in binding) return `(${head}, kvNamespace = ${quoted(binding.kv)})`;
  return `(${head}, durableObjectNamespace = (className = ${quoted(binding.object)}, serviceName = ${quoted(binding.of)}))`;
}
