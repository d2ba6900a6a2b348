/**
 * What the retry queue does in Redis, each step as one script, so that it happens whole or not at all. Every time is Redis's own: no
 * clock of an isolate decides who holds a payment. Keys are given in the order of `QUEUE_KEYS`, then the payment's own settlement.
 *
 * A payment is in `jobs` from its first attempt until it is settled, and there in one place: `due` (to be tried, by when), `held`
 * (somebody tries it, by when it is anybody's again) or `dead` (people must look, since when). `claims` says who holds it, `queued`
 * since when it waits for a later attempt, `owing` what an order that was taken unpaid owes, `owed` the sums of that. `reconcile` says
 * `since` when books must be held against the providers, when there was `trouble` last, and how far that is (`report`).
 *
 * A job is written `p1:<attempts>:<asked at>:<JSON>`, which no client takes for JSON of its own; keys come back as `k:<key>`.
 */

export const QUEUE_KEYS = [
  "jobs",
  "due",
  "held",
  "dead",
  "claims",
  "queued",
  "owing",
  "owed",
  "rate",
  "reconcile",
] as const;

/** Payments that may be under way and waiting at once; past it, they are charged without the queue's protection. */
export const JOBS_MAX = 100_000;
/** Of those that were left by their holder, so many are counted. */
const LEFT_COUNTED_MAX = 1_000;
/** Of those that wait, and of those that were given up, so many are added up. */
export const UNPAID_COUNTED_MAX = 1_000;
/** A payment that has to wait was made so long before at most. */
const MADE_BEFORE_MS = 120_000;
/** What a claim that ran out hands back at a time. */
const RETURNED_MAX = 20;

const PRELUDE = `
local jobs, due, held, dead, claims, queued, owing, owed, rate, reconcile, settled = unpack(KEYS)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function ms(n) return string.format('%.0f', n) end
local function isMine(key, token) return redis.call('HGET', claims, key) == token end
local function release(key)
  redis.call('ZREM', held, key)
  redis.call('HDEL', claims, key)
end
local function troubled()
  redis.call('HSETNX', reconcile, 'since', ms(now - ${MADE_BEFORE_MS}))
  redis.call('HSET', reconcile, 'trouble', ms(now))
end
local function forgive(key)
  local debt = redis.call('HGET', owing, key)
  if not debt then return end
  local currency, amount = string.match(debt, '^(%a+):(%d+)$')
  if amount ~= '0' then redis.call('HINCRBY', owed, currency .. ':amount', '-' .. amount) end
  redis.call('HINCRBY', owed, currency .. ':count', -1)
  redis.call('HDEL', owing, key)
end
`;

const script = (body: string): string => `${PRELUDE}${body}`;

/** ARGV: key, token, ms until it is anybody's again, job. Takes a new payment, in the hands of who asks. */
export const BEGIN = script(`
local key, token, visible, job = unpack(ARGV)
local known = redis.call('GET', settled)
if known then return {'settled', ms(now), known} end
if redis.call('HEXISTS', jobs, key) == 1 then return {'known', ms(now), ''} end
if redis.call('HLEN', jobs) >= ${JOBS_MAX} then return {'full', ms(now), ''} end
redis.call('HSET', jobs, key, 'p1:1:' .. ms(now) .. ':' .. job)
redis.call('ZADD', held, ms(now + visible), key)
redis.call('HSET', claims, key, token)
return {'begun', ms(now), ''}`);

/** ARGV: key, job, currency, amount, most of all amounts, most orders. Takes an order that is to be charged later. */
export const DEFER = script(`
local key, job, currency, amount, amountMax, countMax = unpack(ARGV)
local known = redis.call('GET', settled)
if known then return {'settled', ms(now), known} end
if redis.call('HEXISTS', jobs, key) == 1 then return {'known', ms(now), ''} end
local owes = tonumber(redis.call('HGET', owed, currency .. ':amount') or '0')
local orders = tonumber(redis.call('HGET', owed, currency .. ':count') or '0')
if owes + tonumber(amount) > tonumber(amountMax) or orders + 1 > tonumber(countMax) then
  return {'full', ms(now), ''}
end
if redis.call('HLEN', jobs) >= ${JOBS_MAX} then return {'full', ms(now), ''} end
redis.call('HSET', jobs, key, 'p1:0:0:' .. job)
redis.call('ZADD', due, ms(now), key)
redis.call('ZADD', queued, ms(now), key)
redis.call('HSET', owing, key, currency .. ':' .. amount)
redis.call('HINCRBY', owed, currency .. ':amount', amount)
redis.call('HINCRBY', owed, currency .. ':count', 1)
troubled()
return {'deferred', ms(now), ''}`);

/** ARGV: token, ms until it is anybody's again, ms between two claims of anybody. Takes what is due longest. */
export const CLAIM = script(`
local token, visible, interval = unpack(ARGV)
for _, key in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', ms(now), 'LIMIT', 0, ${RETURNED_MAX})) do
  release(key)
  redis.call('ZADD', due, ms(now), key)
  redis.call('ZADD', queued, 'NX', ms(now), key)
  troubled()
end
local free = tonumber(redis.call('GET', rate) or '0')
if free > now then return {'wait', ms(now), 'k:', '', ms(free - now)} end
local key = redis.call('ZRANGEBYSCORE', due, '-inf', ms(now), 'LIMIT', 0, 1)[1]
if not key then return {'empty', ms(now), 'k:', '', '0'} end
redis.call('ZREM', due, key)
redis.call('ZADD', held, ms(now + visible), key)
redis.call('HSET', claims, key, token)
if tonumber(interval) > 0 then redis.call('SET', rate, ms(now + interval), 'PX', interval) end
return {'claimed', ms(now), 'k:' .. key, redis.call('HGET', jobs, key) or '', '0'}`);

/** ARGV: key, token, ms until it is anybody's again, attempts, job. Writes down that a provider is about to be asked. */
export const MARK = script(`
local key, token, visible, attempts, job = unpack(ARGV)
if not isMine(key, token) then return {'lost', ms(now)} end
redis.call('HSET', jobs, key, 'p1:' .. attempts .. ':' .. ms(now) .. ':' .. job)
redis.call('ZADD', held, ms(now + visible), key)
return {'done', ms(now)}`);

/** ARGV: key, token, settlement, ms to remember it. Forgets all but how it ended. */
export const SETTLE = script(`
local key, token, ended, remember = unpack(ARGV)
if not isMine(key, token) then return {'lost', ms(now)} end
redis.call('SET', settled, ended, 'PX', remember)
release(key)
redis.call('HDEL', jobs, key)
redis.call('ZREM', queued, key)
forgive(key)
return {'done', ms(now)}`);

/** ARGV: key, token, ms until it is due, attempts, asked at, job. Puts it back for later. */
export const AGAIN = script(`
local key, token, delay, attempts, askedAt, job = unpack(ARGV)
if not isMine(key, token) then return {'lost', ms(now)} end
redis.call('HSET', jobs, key, 'p1:' .. attempts .. ':' .. askedAt .. ':' .. job)
release(key)
redis.call('ZADD', due, ms(now + delay), key)
redis.call('ZADD', queued, 'NX', ms(now), key)
troubled()
return {'done', ms(now)}`);

/** ARGV: key, token, attempts, asked at, job. Puts it where people look. */
export const BURY = script(`
local key, token, attempts, askedAt, job = unpack(ARGV)
if not isMine(key, token) then return {'lost', ms(now)} end
redis.call('HSET', jobs, key, 'p1:' .. attempts .. ':' .. askedAt .. ':' .. job)
release(key)
redis.call('ZREM', queued, key)
redis.call('ZADD', dead, ms(now), key)
troubled()
return {'done', ms(now)}`);

/** ARGV: most, keys. Tries dead ones again, from their first attempt on; without keys, the oldest. */
export const REDRIVE = script(`
local most = tonumber(ARGV[1])
local keys = {}
for i = 2, #ARGV do keys[#keys + 1] = ARGV[i] end
if #keys == 0 then keys = redis.call('ZRANGE', dead, 0, most - 1) end
local driven = 0
for _, key in ipairs(keys) do
  local job = redis.call('HGET', jobs, key)
  if job and redis.call('ZREM', dead, key) == 1 then
    redis.call('HSET', jobs, key, (string.gsub(job, '^p1:%d+:', 'p1:0:', 1)))
    redis.call('ZADD', due, ms(now), key)
    redis.call('ZADD', queued, ms(now), key)
    driven = driven + 1
  end
end
return {'done', ms(now), tostring(driven)}`);

/**
 * ARGV: token, ms until it is anybody's again, ms between looks, ms from a pass that did not agree to the next. The turn to look, of
 * who asks: since when, and the pass so far, which is empty at the beginning of one.
 */
export const TAKE_LOOK = script(`
local token, lease, every, again = unpack(ARGV)
local since, report, state, started, ended, holder, holderUntil = unpack(redis.call('HMGET', reconcile,
  'since', 'report', 'state', 'started', 'ended', 'holder', 'until'))
if not since then return {'idle', ms(now)} end
if holder and tonumber(holderUntil) > now then return {'held', ms(now)} end
if state and state ~= 'looking' then
  local trouble = redis.call('HGET', reconcile, 'trouble')
  if state == 'agrees' and tonumber(trouble) < tonumber(started) then
    redis.call('HDEL', reconcile, 'since')
    return {'idle', ms(now)}
  end
  if tonumber(ended) + tonumber(again) > now then return {'wait', ms(now)} end
elseif ended and tonumber(ended) + tonumber(every) > now then return {'wait', ms(now)} end
if state ~= 'looking' then
  redis.call('HSET', reconcile, 'next', ms(now))
  report = ''
end
redis.call('HSET', reconcile, 'holder', token, 'until', ms(now + lease))
return {'yours', ms(now), since, report or '', redis.call('HGET', reconcile, 'next') or ms(now)}`);

/** ARGV: token, state (`looking`, `agrees` or `differs`), pass. What a look has found. A pass that is not whole leaves the last one's report. */
export const END_LOOK = script(`
local token, state, report = unpack(ARGV)
if redis.call('HGET', reconcile, 'holder') ~= token then return {'lost', ms(now)} end
redis.call('HDEL', reconcile, 'holder', 'until')
redis.call('HSET', reconcile, 'state', state, 'report', report, 'ended', ms(now))
if state ~= 'looking' then
  redis.call('HSET', reconcile, 'started', redis.call('HGET', reconcile, 'next'), 'whole', report)
end
return {'done', ms(now)}`);

/** No ARGV. When a payment last had to wait, and the last whole pass. */
export const RECONCILED = script(`
local trouble, whole = unpack(redis.call('HMGET', reconcile, 'trouble', 'whole'))
return {'done', ms(now), trouble or '', whole or ''}`);

/** ARGV: keys. Those of them that are not settled. */
export const UNDER_WAY = script(`
local answer = {'done', ms(now)}
for _, key in ipairs(ARGV) do
  if redis.call('HEXISTS', jobs, key) == 1 then answer[#answer + 1] = 'k:' .. key end
end
return answer`);

/** ARGV: key. Drops a dead one for good. */
export const DISCARD = script(`
local key = ARGV[1]
if redis.call('ZREM', dead, key) == 0 then return {'gone', ms(now)} end
redis.call('HDEL', jobs, key)
forgive(key)
return {'done', ms(now)}`);

/** ARGV: from which place, most. The dead, in order of their death: key, job, since when. */
export const DEAD = script(`
local from, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local found = redis.call('ZRANGE', dead, from, from + most - 1, 'WITHSCORES')
local answer = {'done', ms(now)}
for i = 1, #found, 2 do
  answer[#answer + 1] = 'k:' .. found[i]
  answer[#answer + 1] = redis.call('HGET', jobs, found[i]) or ''
  answer[#answer + 1] = ms(tonumber(found[i + 1]))
end
return answer`);

/** No ARGV. How much waits, since when, how much is dead, and what orders owe that were taken unpaid. Whoever is left by its holder waits. */
export const STATE = script(`
local oldest = tonumber(redis.call('ZRANGE', queued, 0, 0, 'WITHSCORES')[2] or ms(now))
local waiting = redis.call('ZCARD', queued)
local left = redis.call('ZRANGEBYSCORE', held, '-inf', ms(now), 'WITHSCORES', 'LIMIT', 0, ${LEFT_COUNTED_MAX})
for i = 1, #left, 2 do
  if not redis.call('ZSCORE', queued, left[i]) then
    waiting = waiting + 1
    oldest = math.min(oldest, tonumber(left[i + 1]))
  end
end
return {'done', ms(now), tostring(waiting), ms(now - oldest),
  tostring(redis.call('ZCARD', dead)), tostring(redis.call('HLEN', owing)), tostring(redis.call('ZCARD', held))}`);

/** No ARGV. What waits for another attempt or was given up, by currency: currency, payments, amount; first how many were left out. */
export const UNPAID = script(`
local counts, amounts, left = {}, {}, 0
for _, where in ipairs({queued, dead}) do
  local some = redis.call('ZRANGE', where, 0, ${UNPAID_COUNTED_MAX} - 1)
  left = left + redis.call('ZCARD', where) - #some
  for _, key in ipairs(some) do
    local json = string.match(redis.call('HGET', jobs, key) or '', '^p1:%d+:%d+:(.*)$')
    local isRead, job = pcall(cjson.decode, json or '')
    if isRead and type(job) == 'table' and type(job.payment) == 'table' then
      local currency = tostring(job.payment.currency)
      counts[currency] = (counts[currency] or 0) + 1
      amounts[currency] = (amounts[currency] or 0) + (tonumber(job.payment.amount) or 0)
    else
      left = left + 1
    end
  end
end
local answer = {'done', ms(now), tostring(left)}
for currency, count in pairs(counts) do
  answer[#answer + 1] = 'c:' .. currency
  answer[#answer + 1] = tostring(count)
  answer[#answer + 1] = ms(amounts[currency])
end
return answer`);
