/** Takes what may be a secret out of text that is on its way to a log. */

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // postgres://user:password@host
  [/(\/\/)[^\s/@]+@/g, "$1[redacted]@"],
  [/\b(Bearer|Basic) +[^\s"',]+/gi, "$1 [redacted]"],
  [
    /\b([\w-]*(?:token|secret|password|api[-_]?key|signature)["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi,
    "$1[redacted]",
  ],
];

/** The same text without credentials of URLs, authorization headers, and values named as secrets. */
export const redact = (text: string): string =>
  SECRETS.reduce((cleaned, [pattern, replacement]) => cleaned.replace(pattern, replacement), text);
