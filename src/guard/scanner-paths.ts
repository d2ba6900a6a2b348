/** Paths that nobody asks for but who looks for a way in: other programs' secrets, consoles and holes. For counting only; nothing is refused by it. */

/** Parts of paths; each is of a program or a file that a Worker does not have. */
const MARKS = [
  "/.env",
  "/.git/",
  "/.aws/",
  "/.ssh/",
  "/.svn/",
  "/.ds_store",
  "/wp-login",
  "/wp-admin",
  "/wp-includes",
  "/wp-config",
  "/xmlrpc.php",
  "/phpmyadmin",
  "/phpunit",
  "/phpinfo",
  "/cgi-bin/",
  "/boaform",
  "/actuator/",
  "/solr/",
  "/jenkins",
  "/manager/html",
  "/vendor/",
  "/server-status",
  "/owa/",
  "/etc/passwd",
  "/id_rsa",
  "/web.config",
  "/eval-stdin",
  "/shell.php",
] as const;
/** Longer ones are looked at as far as this. */
const LOOKED_AT_CHARS = 200;

/** One expression, because every request is asked: less than a tenth of what it takes to look for one after the other. */
const ANY_MARK = new RegExp(MARKS.map((mark) => mark.replaceAll(".", "\\.")).join("|"), "i");

export const isScannerPath = (path: string): boolean =>
  ANY_MARK.test(path.length > LOOKED_AT_CHARS ? path.slice(0, LOOKED_AT_CHARS) : path);
