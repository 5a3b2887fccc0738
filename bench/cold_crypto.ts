/**
 * What a fresh process pays before its first answer: loading a suite and signing one batch. Prints both times in
 * milliseconds. The blinded elements come as an argument, since blinding is the client's work.
 *
 * Usage: deno run bench/cold_crypto.ts <sodium | noble> <alone | beside> <secret key> <public key> <blinded elements>
 * `beside` loads Deno's node compatibility first, as the service does for its gzip; libsodium's loader asks for
 * `globalThis.process` and so pays for it otherwise.
 */
const [implementation, situation, ...hex] = Deno.args;
const [secretKey, publicKey, ...blindedElements] = hex.join(",").split(",").map((part) =>
  Uint8Array.fromHex(part)
);

if (situation === "beside") await import("node:zlib");

const start = performance.now();
const suite = implementation === "sodium"
  ? await (await import("../core/voprf/sodium.ts")).loadSodiumSuite()
  : (await import("../core/voprf/noble.ts")).nobleRistretto255;
const loaded = performance.now();
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
suite.blindEvaluate({ secretKey: secretKey!, publicKey: publicKey! }, blindedElements, random);
const signed = performance.now();
// deno-lint-ignore no-console
console.log(JSON.stringify({ load: loaded - start, sign: signed - loaded }));
