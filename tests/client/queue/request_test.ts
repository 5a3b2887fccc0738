import { assertEquals } from "@std/assert";
import { logRequest, signRequest } from "../../../client/queue/request.ts";
import { fromBase64url, toBase64url } from "../../../core/base/bytes.ts";
import { parseCredential } from "../../../core/token/credential.ts";
import { computeMac, digestBody, encodeTranscript } from "../../../core/token/mac.ts";

const bytes = (value: number) => new Uint8Array(32).fill(value);
const token = {
  keyId: toBase64url(bytes(1)),
  nonce: toBase64url(bytes(2)),
  macKey: toBase64url(bytes(3)),
  uses: [],
  notBefore: 0,
  redeemUntil: 100,
};

/** A final request with a body of so many bytes. */
const requestOf = (length: number, contentEncoding: "" | "gzip" = "") =>
  signRequest({
    app: "notes",
    body: { bytes: new Uint8Array(length), contentEncoding },
    tokenUse: { token, use: 7 },
    events: [],
    pseudonym: "",
    moves: 0,
  });

Deno.test("logRequest() carries the credential of the use, under which the body was signed", () => {
  const { headers, body } = logRequest(requestOf(1024, "gzip"), false);
  const credential = parseCredential(new Headers(headers).get("authorization") ?? "");
  assertEquals([credential.keyId, credential.nonce, credential.use], [bytes(1), bytes(2), 7]);
  const transcript = encodeTranscript({
    app: "notes",
    contentEncoding: "gzip",
    keyId: bytes(1),
    nonce: bytes(2),
    use: 7,
    bodyDigest: digestBody(new Uint8Array(1024)),
  });
  assertEquals(credential.mac, computeMac(fromBase64url(token.macKey), transcript));
  assertEquals(body, new Uint8Array(1024));
});

Deno.test("logRequest() has no header but those of the protocol", () => {
  const names = (
    contentEncoding: "" | "gzip",
  ) => [...new Headers(logRequest(requestOf(1024, contentEncoding), false).headers).keys()];
  assertEquals(names(""), ["authorization", "content-type"]);
  assertEquals(names("gzip"), ["authorization", "content-encoding", "content-type"]);
});

Deno.test("logRequest() outlives a page that is hidden, unless its body is too long for that", () => {
  assertEquals(logRequest(requestOf(49_500), true).keepalive, true);
  assertEquals(logRequest(requestOf(49_501), true).keepalive, false);
  assertEquals(logRequest(requestOf(1024), false).keepalive, false);
});
