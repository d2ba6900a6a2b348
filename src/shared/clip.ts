/** Text of at most `charsMax` characters, with an ellipsis where it was cut; never through the middle of one character. */
export const clip = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${whole(text.slice(0, charsMax - 1))}…`;

/** Without the first half of a pair at its end: half a pair is not text, and some refuse it. */
const whole = (text: string): string => text.replace(/[\uD800-\uDBFF]$/, "");
