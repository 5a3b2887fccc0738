import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DecodeError, toBase64url } from "../../../core/base/bytes.ts";
import {
  type Credential,
  formatCredential,
  isDitScheme,
  MAX_CREDENTIAL_LENGTH,
  parseCredential,
} from "../../../core/token/credential.ts";
import { bytesOf } from "../../support/base/arbitraries.ts";

const credentials: fc.Arbitrary<Credential> = fc.record({
  keyId: bytesOf(32),
  nonce: bytesOf(32),
  use: fc.nat(9_999),
  mac: bytesOf(32),
});

const KEY = toBase64url(new Uint8Array(32).fill(1));
const NONCE = toBase64url(new Uint8Array(32).fill(2));
const MAC = toBase64url(new Uint8Array(32).fill(3));
const GOOD = [`key=${KEY}`, `nonce=${NONCE}`, "use=3", `mac=${MAC}`];

/** The good header with one parameter replaced, or left out. */
function withParameter(index: number, parameter?: string): string {
  const parameters = [...GOOD];
  parameters.splice(index, 1, ...(parameter === undefined ? [] : [parameter]));
  return `DIT ${parameters.join(", ")}`;
}

function refuses(header: string, message: string): void {
  const error = assertThrows(() => parseCredential(header), DecodeError) as DecodeError;
  assertEquals(error.message, message);
}

Deno.test("formatCredential() writes the header of the protocol", () => {
  const credential = {
    keyId: new Uint8Array(32).fill(1),
    nonce: new Uint8Array(32).fill(2),
    use: 3,
    mac: new Uint8Array(32).fill(3),
  };
  assertEquals(formatCredential(credential), `DIT key=${KEY}, nonce=${NONCE}, use=3, mac=${MAC}`);
});

Deno.test("parseCredential() reverses formatCredential()", () => {
  fc.assert(fc.property(credentials, (credential) => {
    assertEquals(parseCredential(formatCredential(credential)), credential);
  }));
});

Deno.test("parseCredential() takes any order, white space, quotes and case", () => {
  const ows = fc.stringMatching(/^[ \t]{0,5}$/);
  const styles = fc.array(
    fc.record({ before: ows, after: ows, quoted: fc.boolean(), cases: fc.nat(31) }),
    { minLength: 4, maxLength: 4 },
  );
  const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
  const inCase = (name: string, cases: number) =>
    [...name].map((letter, at) => (cases >> at) & 1 ? letter.toUpperCase() : letter).join("");
  fc.assert(fc.property(
    credentials,
    styles,
    orders,
    fc.nat(7),
    fc.integer({ min: 1, max: 4 }),
    (credential, looks, order, schemeCase, spaces) => {
      const { keyId, nonce, use, mac } = credential;
      const values = [["key", toBase64url(keyId)], ["nonce", toBase64url(nonce)], ["use", `${use}`], [
        "mac",
        toBase64url(mac),
      ]];
      const parts = order.map((at) => {
        const [name, value] = values[at] as [string, string];
        const { before, after, quoted, cases } = looks[at]!;
        return `${before}${inCase(name, cases)}=${quoted ? `"${value}"` : value}${after}`;
      });
      const header = inCase("dit", schemeCase) + " ".repeat(spaces) + parts.join(",");
      assert(isDitScheme(header));
      assertEquals(parseCredential(header), credential);
    },
  ));
});

Deno.test("parseCredential() refuses a duplicate, an unknown and a missing parameter", () => {
  ["key", "nonce", "use", "mac"].forEach((name, at) => {
    refuses(`DIT ${GOOD.join(", ")}, ${GOOD[at]}`, `Cannot parse credential: ${name} stands twice`);
    refuses(
      `DIT ${GOOD.join(", ")}, ${GOOD[at]!.replace(name, name.toUpperCase())}`,
      `Cannot parse credential: ${name} stands twice`,
    );
    refuses(withParameter(at), `Cannot parse credential: ${name} is missing`);
  });
  for (const parameter of ["realm=x", "constructor=x", "keys=x", "macc=x"]) {
    refuses(`DIT ${GOOD.join(", ")}, ${parameter}`, "Cannot parse credential: a parameter is unknown");
  }
});

Deno.test("parseCredential() refuses every other spelling of use", () => {
  for (const use of ["00", "01", "+1", "-1", "10000", "1.0", "1e2", "0x1", "٣", "1_0"]) {
    refuses(
      withParameter(2, `use=${use}`),
      "Cannot parse credential: use is not a plain decimal of at most 4 digits",
    );
  }
  for (const use of ["", " 1", "1 "]) {
    refuses(
      withParameter(2, `use="${use}"`),
      "Cannot parse credential: use is not a plain decimal of at most 4 digits",
    );
  }
  assertEquals(parseCredential(withParameter(2, "use=0")).use, 0);
  assertEquals(parseCredential(withParameter(2, 'use="9999"')).use, 9_999);
});

Deno.test("parseCredential() refuses malformed parameters", () => {
  const malformed = [
    withParameter(2, "use"),
    withParameter(2, "use="),
    withParameter(2, "use =3"),
    withParameter(2, "use= 3"),
    withParameter(2, "use==3"),
    withParameter(2, 'use="3'),
    withParameter(2, 'use=3"'),
    withParameter(2, 'use="\\3"'),
    withParameter(2, "use=\\3"),
    withParameter(2, "use=3;"),
    withParameter(2, "use=3 4"),
    withParameter(2, ""),
    withParameter(2, "use*=3"),
    withParameter(2, "use=3\n"),
    withParameter(2, "\u00a0use=3"),
    `DIT ${GOOD.join(", ")},`,
    `DIT ,${GOOD.join(", ")}`,
    `DIT ${GOOD.join("; ")}`,
    `DIT ${GOOD.join(" ")}`,
    `DIT ${GOOD.join(", ")}, DIT ${GOOD.join(", ")}`,
    "DIT",
    "DIT ",
    "dit  ",
  ];
  // A semicolon may stand in a value, so it is the value's own check that refuses it.
  for (const header of malformed) {
    const error = assertThrows(() => parseCredential(header), DecodeError) as DecodeError;
    assert(
      error.message === "Cannot parse credential: a parameter is malformed" ||
        (header.includes(";") && error.message.startsWith("Cannot parse credential: use is not")),
      `${header}: ${error.message}`,
    );
  }
});

Deno.test("parseCredential() refuses values that are not base64url of 32 bytes", () => {
  const names = { key: 0, nonce: 1, mac: 3 };
  for (const [name, at] of Object.entries(names)) {
    const value = GOOD[at]!.slice(name.length + 1);
    refuses(
      withParameter(at, `${name}="${value}="`),
      "Cannot decode base64url: padding is not allowed",
    );
    refuses(
      withParameter(at, `${name}=${value.slice(0, -1)}+`),
      "Cannot decode base64url: a character is outside the alphabet",
    );
    refuses(
      withParameter(at, `${name}=${toBase64url(new Uint8Array(31))}`),
      "Cannot decode base64url: 31 bytes instead of 32",
    );
    refuses(
      withParameter(at, `${name}=${toBase64url(new Uint8Array(33))}`),
      "Cannot decode base64url: 33 bytes instead of 32",
    );
    refuses(withParameter(at, `${name}=""`), "Cannot decode base64url: 0 bytes instead of 32");
    refuses(
      withParameter(at, `${name}=${value.slice(0, -1)}B`),
      "Cannot decode base64url: trailing bits are not zero",
    );
  }
});

Deno.test("parseCredential() refuses another scheme and a header that is too long", () => {
  for (const scheme of ["Bearer", "PrivateToken", "DITX", "XDIT", "", "DIT\t", "DIT,"]) {
    const header = `${scheme} ${GOOD.join(", ")}`;
    if (scheme !== "DIT\t") assertFalse(isDitScheme(header), header);
    refuses(header, "Cannot parse credential: the scheme is not DIT");
  }
  refuses("", "Cannot parse credential: the scheme is not DIT");
  const header = withParameter(2, "use=3");
  const longest = header + " ".repeat(MAX_CREDENTIAL_LENGTH - header.length);
  assertEquals(parseCredential(longest).use, 3);
  refuses(`${longest} `, "Cannot parse credential: it is too long");
});

Deno.test("isDitScheme() knows its scheme in any case, with or without parameters", () => {
  for (const header of ["DIT", "dit", "Dit key=x", "DIT  "]) assert(isDitScheme(header), header);
  for (const header of ["", "Bearer x", "DITTO x", " DIT x", "D\u0131T x"]) {
    assertFalse(isDitScheme(header), header);
  }
});

Deno.test("parseCredential() gives a DecodeError, and nothing of the header, for any other text", () => {
  const pieces = fc.array(
    fc.constantFrom("DIT ", "key=", "nonce=", "use=", "mac=", ",", '"', "\\", "=", " ", "3", KEY, NONCE, MAC),
    { maxLength: 24 },
  ).map((parts) => parts.join(""));
  const texts = fc.oneof(
    pieces,
    fc.uint16Array().map((units) => String.fromCharCode(...units)),
    fc.string().map((text) => `DIT ${text}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const credential = parseCredential(text);
        assertEquals(parseCredential(formatCredential(credential)), credential);
      } catch (error) {
        assert(error instanceof DecodeError, `not a DecodeError: ${error}`);
        for (const secret of [KEY, NONCE, MAC]) assertFalse(`${error}`.includes(secret));
      }
    }),
    { numRuns: 500 },
  );
});
