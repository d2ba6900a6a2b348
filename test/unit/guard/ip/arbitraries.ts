/** Addresses as people, proxies and attackers spell them. */
import fc from "fast-check";

const octet = fc.nat(255).map(String);
export const v4Text = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));

const group = fc
  .tuple(
    fc.oneof(fc.constantFrom(0, 1, 0xffff), fc.nat(0xffff)),
    fc.constantFrom(0, 4),
    fc.boolean(),
  )
  .map(([value, width, isUpper]) => {
    const hex = value.toString(16).padStart(width, "0");
    return isUpper ? hex.toUpperCase() : hex;
  });

/** Whole, shortened at any place, or with a dotted end. */
export const v6Text = fc
  .tuple(
    fc.array(group, { minLength: 8, maxLength: 8 }),
    fc.nat(8),
    fc.nat(8),
    fc.option(v4Text, { freq: 2 }),
  )
  .map(([groups, one, other, quad]) => {
    const all = quad === null ? groups : [...groups.slice(0, 6), quad];
    const from = Math.min(one, other, all.length - 1);
    const to = Math.min(Math.max(one, other), quad === null ? 8 : 6);
    return from >= to
      ? all.join(":")
      : `${all.slice(0, from).join(":")}::${all.slice(to).join(":")}`;
  });

const pieces = fc.oneof(
  fc.constantFrom("0", "1", "00", "255", "256", "ffff", "fffff", "a", "G"),
  fc.constantFrom(".", ":", "::"),
  fc.constantFrom("%", "/", " ", "[", "]", "-", "é", "\0"),
);

/** Addresses, addresses with one thing changed, and noise of the same letters. */
export const addressText = fc.oneof(
  v4Text,
  v6Text,
  fc
    .tuple(fc.oneof(v4Text, v6Text), fc.nat(45), fc.nat(2), pieces)
    .map(([text, at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length)),
  fc.array(pieces, { maxLength: 20 }).map((all) => all.join("")),
  fc.string({ unit: "binary" }),
);
