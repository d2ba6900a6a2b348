import { it } from "vitest";
import { readCredentials, withoutCredentials } from "../../../src/guard/credentials.ts";
import { BYPASS_COOKIE, CLEARANCE_COOKIE } from "../../../src/guard/signed.ts";

const sending = (cookie: string) => new Request("https://shop.example/", { headers: { cookie } });

it("reads the first of two tokens of one name, as they were sent", ({ expect }) => {
  const two = sending(
    `a=1; ${CLEARANCE_COOKIE}=one; ${BYPASS_COOKIE}=ana; ${CLEARANCE_COOKIE}=two`,
  );
  expect(readCredentials(two)).toEqual({ probe: null, bypass: "ana", clearance: "one" });
});

it("shows production none of them, and all other cookies, twice where they came twice", ({
  expect,
}) => {
  const sent = `sid=a; ${CLEARANCE_COOKIE}=one; sid=b; ${CLEARANCE_COOKIE}=two; ${BYPASS_COOKIE}=x`;
  expect(withoutCredentials(sending(sent)).headers.get("cookie")).toBe("sid=a; sid=b");
  const onlyOurs = sending(`${CLEARANCE_COOKIE}=one; ${CLEARANCE_COOKIE}=two`);
  expect(withoutCredentials(onlyOurs).headers.has("cookie")).toBe(false);
});
