/**
 * Reads what came over a wire: a shape answers a value as what it is, without the fields that it does not know, or says where it
 * is something else. For what stands on the request path, where a library of schemas takes longer to start than all else does; what
 * people write is read with zod, which explains itself better. Pure, and never throws.
 */
import { assert } from "./assert.ts";
import { err, ok, type Result } from "./result.ts";

/** The error is a path and what should be there, such as `.entries[3].share is not a number from 0 to 1`. It never repeats the value. */
export type Shape<T> = (given: unknown) => Result<T, string>;
/** What a shape reads. */
export type Read<S> = S extends (given: unknown) => Result<infer T, string> ? T : never;

/** For what this code itself has made: anything else is a programmer's mistake. */
export function sure<T>(shape: Shape<T>, given: unknown): T {
  const read = shape(given);
  assert(read.ok, read.ok ? "" : `what we made${read.error}`);
  return read.value;
}

export const anything: Shape<unknown> = ok;

export const truth: Shape<boolean> = (given) =>
  typeof given === "boolean" ? ok(given) : err(" is not true or false");

/** Of so many UTF-16 units. */
export const text =
  (max = Infinity, min = 0): Shape<string> =>
  (given) =>
    typeof given === "string" && given.length <= max && given.length >= min
      ? ok(given)
      : err(` is not a text of ${min} to ${max} characters`);

/** `what` says in words what the pattern or the predicate wants. */
export const textThat =
  (fits: RegExp | ((given: string) => boolean), what: string): Shape<string> =>
  (given) =>
    typeof given === "string" && (fits instanceof RegExp ? fits.test(given) : fits(given))
      ? ok(given)
      : err(` is not ${what}`);

export const whole =
  (min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Shape<number> =>
  (given) =>
    Number.isSafeInteger(given) && isWithin(given, min, max)
      ? ok(given)
      : err(` is not a whole number from ${min} to ${max}`);

/** Finite. */
export const number =
  (min = -Number.MAX_VALUE, max = Number.MAX_VALUE): Shape<number> =>
  (given) =>
    isWithin(given, min, max) ? ok(given) : err(` is not a number from ${min} to ${max}`);

const isWithin = (given: unknown, min: number, max: number): given is number =>
  typeof given === "number" && given >= min && given <= max;

export const oneOf =
  <const T extends string | number | boolean>(values: readonly T[]): Shape<T> =>
  (given) => {
    const found = values.find((value) => value === given);
    return found === undefined ? err(` is not ${values.join(" or ")}`) : ok(found);
  };

export const list =
  <T>(item: Shape<T>, max = Infinity, min = 0): Shape<T[]> =>
  (given) => {
    if (!Array.isArray(given) || given.length > max || given.length < min) {
      return err(` is not a list of ${min} to ${max}`);
    }
    const read: T[] = [];
    for (const [place, value] of given.entries()) {
      const one = item(value);
      if (!one.ok) return err(`[${place}]${one.error}`);
      read.push(one.value);
    }
    return ok(read);
  };

/** Any fields, unread. */
export const fields: Shape<Readonly<Record<string, unknown>>> = (given) =>
  isFields(given) ? ok(given) : err(NO_OBJECT);

/** Fields that are not named here are dropped. */
export const object =
  <const S extends Shapes>(shapes: S): Shape<ReadFields<S>> =>
  (given) =>
    isFields(given) ? fieldsOf(shapes, given) : err(NO_OBJECT);

/** The same, but fields that are not named here are refused: they may say what is not understood. */
export const only =
  <const S extends Shapes>(shapes: S): Shape<ReadFields<S>> =>
  (given) => {
    if (!isFields(given)) return err(NO_OBJECT);
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(shapes, name));
    return unknown === undefined ? fieldsOf(shapes, given) : err(" has a field that is not known");
  };

/** Undefined is as good, and so is a field that is not there. */
export const optional =
  <T>(shape: Shape<T>): Shape<T | undefined> =>
  (given) =>
    given === undefined ? ok(undefined) : shape(given);

export const nullable =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (given) =>
    given === null ? ok(null) : shape(given);

/** What a field means that is not there. */
export const withDefault =
  <T>(shape: Shape<T>, value: NoInfer<T>): Shape<T> =>
  (given) =>
    given === undefined ? ok(value) : shape(given);

/** The first that fits. */
export const either =
  <A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> =>
  (given) => {
    const read = one(given);
    return read.ok ? read : other(given);
  };

/** What fits a shape, and a predicate besides. */
export const that =
  <T>(shape: Shape<T>, holds: (read: T) => boolean, what: string): Shape<T> =>
  (given) => {
    const read = shape(given);
    return read.ok && !holds(read.value) ? err(` is not ${what}`) : read;
  };

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type ReadFields<S extends Shapes> = {
  readonly [Name in keyof S as undefined extends Read<S[Name]> ? never : Name]: Read<S[Name]>;
} & {
  readonly [Name in keyof S as undefined extends Read<S[Name]> ? Name : never]?: Read<S[Name]>;
};

const NO_OBJECT = " is not an object";

const isFields = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === "object" && given !== null && !Array.isArray(given);

/** In the shape's order, whatever order they came in. */
function fieldsOf<S extends Shapes>(
  shapes: S,
  given: Readonly<Record<string, unknown>>,
): Result<ReadFields<S>, string> {
  const read: Record<string, unknown> = {};
  for (const name in shapes) {
    // Own fields alone: what every object inherits was sent by nobody.
    const one = shapes[name]?.(Object.hasOwn(given, name) ? given[name] : undefined);
    if (one === undefined) continue;
    if (!one.ok) return err(`.${name}${one.error}`);
    if (one.value !== undefined) read[name] = one.value;
  }
  return ok(read as ReadFields<S>);
}
