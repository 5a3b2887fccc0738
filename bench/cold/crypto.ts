/**
 * What a fresh process pays before its first answer: importing a suite, making it ready (compiling WebAssembly) and
 * signing one batch; then signing it again. Prints the times in milliseconds. The blinded elements come as an argument,
 * since blinding is the client's work.
 *
 * Usage: deno run bench/cold/crypto.ts <kernel | sodium | noble> <alone | beside> <secret key> <public key> <blinded elements>
 * `beside` loads Deno's node compatibility first, as the service does for its gzip; libsodium's loader asks for
 * `globalThis.process` and so pays for it otherwise.
 */
const [implementation, situation, ...hex] = Deno.args;
const [secretKey, publicKey, ...blindedElements] = hex.join(",").split(",").map((part) =>
  Uint8Array.fromHex(part)
);

if (situation === "beside") await import("node:zlib");

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const start = performance.now();
const make = implementation === "kernel"
  ? (await import("../../core/voprf/kernel_suite.ts")).loadKernelSuite
  : implementation === "sodium"
  ? (await import("../../core/voprf/sodium.ts")).loadSodiumSuite
  : (({ nobleRistretto255 }) => () => nobleRistretto255)(await import("../../core/voprf/noble.ts"));
const imported = performance.now();
const suite = await make();
const ready = performance.now();
const sign = () =>
  suite.blindEvaluate({ secretKey: secretKey!, publicKey: publicKey! }, blindedElements, random);
sign();
const signed = performance.now();
sign();
const again = performance.now() - signed;
// deno-lint-ignore no-console
console.log(
  JSON.stringify({ import: imported - start, start: ready - imported, sign: signed - ready, again }),
);
