/**
 * What the challenge page runs in a browser, as text: a solver for a Worker, or for the page itself where there is none, and what
 * moves the page along. Written for old phones: no module, no library, no WebAssembly; SHA-256 of one block, without promises,
 * because awaiting WebCrypto a quarter of a million times is what makes other such pages slow.
 */

/** Defines `solve(job, say)`: works in slices of `job.sliceMs` and says `{ solved, hashes, ms }` after each, `{ counters }` at the end. */
export const SOLVER = String.raw`
function solve(job, say) {
  var K = [], H = [], found = 0, n, x, i;
  function fraction(v) { return ((v - Math.floor(v)) * 4294967296) | 0; }
  for (n = 2; found < 64; n++) {
    for (x = 2; x * x <= n && n % x; x++);
    if (x * x > n || n < 4) {
      if (found < 8) H[found] = fraction(Math.sqrt(n));
      K[found++] = fraction(Math.cbrt(n));
    }
  }
  var W = new Int32Array(64), k = new Int32Array(K);
  var counters = [], counter = 0, hashes = 0, startedAt = Date.now();
  var limit = 32 - job.difficulty;
  function begins() {
    for (i = 0; i < 8; i++) W[i] = job.seed[i];
    W[8] = counters.length; W[9] = counter; W[10] = -2147483648;
    for (i = 11; i < 15; i++) W[i] = 0;
    W[15] = 320;
    for (i = 16; i < 64; i++) {
      var p = W[i - 15], q = W[i - 2];
      W[i] = (W[i - 16] + W[i - 7] +
        ((p >>> 7 | p << 25) ^ (p >>> 18 | p << 14) ^ (p >>> 3)) +
        ((q >>> 17 | q << 15) ^ (q >>> 19 | q << 13) ^ (q >>> 10))) | 0;
    }
    var a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7], t, u;
    for (i = 0; i < 64; i++) {
      t = (h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) +
        ((e & f) ^ (~e & g)) + k[i] + W[i]) | 0;
      u = (((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) +
        ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
    }
    return ((a + H[0]) | 0) >>> limit === 0;
  }
  function slice() {
    var untilAt = Date.now() + job.sliceMs;
    do {
      for (var tries = 0; tries < 256 && counters.length < job.n; tries++) {
        hashes++;
        if (begins()) { counters.push(counter); counter = 0; } else counter++;
      }
    } while (counters.length < job.n && Date.now() < untilAt);
    if (counters.length === job.n) return say({ counters: counters });
    say({ solved: counters.length, hashes: hashes, ms: Date.now() - startedAt });
    setTimeout(slice, 0);
  }
  slice();
}`;

/**
 * Runs `solve` in the page's own form; what it needs to know stands in the form's `data-` attributes. A screen reader is told now
 * and then, not all the time.
 */
export const PAGE_SCRIPT = String.raw`
(function () {
  "use strict";
  var form = document.getElementById("challenge"), bar = document.getElementById("bar");
  var status = document.getElementById("status"), data = form.dataset, openedAt = Date.now();
  var job = { seed: data.seed.split(",").map(Number), difficulty: +data.difficulty, n: +data.n };
  var isWorking = false;
  function show(id, isShown) {
    var part = document.getElementById(id);
    if (part) part.hidden = !isShown;
  }
  function say(text) { if (status.textContent !== text) status.textContent = text; }
  function giveUp(text) { say(text); bar.hidden = true; show("wait", true); }
  function send(way, name, value) {
    form.elements.way.value = way;
    form.elements[name].value = value;
    var to = form.elements.to;
    if (to.value.length + location.hash.length <= data.toMax) to.value += location.hash;
    form.submit();
  }
  function times() {
    try {
      var now = Date.now(), key = "firebreak-challenge";
      var seen = JSON.parse(sessionStorage.getItem(key) || "[]");
      seen = seen.filter(function (at) { return now - at < 60000; }).concat(now).slice(-9);
      sessionStorage.setItem(key, JSON.stringify(seen));
      return seen.length;
    } catch (_) { return 1; }
  }
  function estimate(secondsLeft) {
    if (secondsLeft < 3) return "Working. This takes a moment.";
    if (secondsLeft < 60) return "Working. About " + Math.ceil(secondsLeft / 5) * 5 + " seconds to go.";
    return "Working. About " + Math.ceil(secondsLeft / 60) + " minutes to go on this device.";
  }
  var announcedAt = 0;
  function hear(said) {
    if (said.counters) {
      bar.value = job.n;
      say("Done. Taking you to the page.");
      return send("work", "solutions", said.counters.join(","));
    }
    bar.value = said.solved;
    if (said.ms < 300 || Date.now() - announcedAt < 5000) return;
    announcedAt = Date.now();
    var left = Math.max(1, job.n - said.solved) * Math.pow(2, job.difficulty);
    say(estimate(left * said.ms / said.hashes / 1000));
    if (Date.now() - openedAt > data.lifeMs - 15000) location.reload();
  }
  function inPage() { job.sliceMs = 12; solve(job, hear); }
  function work() {
    if (isWorking) return;
    isWorking = true;
    show("turnstile", false);
    show("start", false);
    bar.hidden = false;
    say("Working. This takes a moment.");
    try {
      var source = solve + ";onmessage=function(e){solve(e.data,postMessage)}";
      var url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      var worker = new Worker(url), hasSpoken = false;
      worker.onmessage = function (event) { hasSpoken = true; hear(event.data); };
      worker.onerror = function () { worker.terminate(); if (!hasSpoken) inPage(); };
      job.sliceMs = 100;
      worker.postMessage(job);
    } catch (_) { inPage(); }
  }
  function turnstile() {
    var fallback = setTimeout(work, 8000);
    show("turnstile", true);
    say("Checking your browser.");
    window.firebreakTurnstile = function () {
      window.turnstile.render("#turnstile", {
        sitekey: data.siteKey, action: data.action,
        callback: function (token) { clearTimeout(fallback); if (!isWorking) send("turnstile", "turnstile", token); },
        "before-interactive-callback": function () { clearTimeout(fallback); },
        "error-callback": function () { work(); return true; },
        "timeout-callback": work
      });
    };
    var script = document.createElement("script");
    script.src = data.script;
    script.nonce = data.nonce;
    script.onerror = work;
    document.head.appendChild(script);
  }
  show("wait", false);
  show("work", true);
  if (!navigator.cookieEnabled) {
    return giveUp("Your browser refuses cookies. This site needs to set one, to remember that you have been here.");
  }
  if (times() > 3) {
    bar.hidden = true;
    show("start", true);
    say("This page came back several times in a minute, so it has stopped by itself.");
    document.getElementById("start").onclick = function () { work(); };
    return;
  }
  if (data.siteKey) turnstile(); else work();
})();`;
