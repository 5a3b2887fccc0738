/**
 * \@cloudflare/privacypass-ts as it comes: privately verifiable tokens exist there for P-384 only (type 0x0001), on its
 * default provider sjcl, one element a request: a batch is that many requests, each with a proof of its own.
 */
import { CHECK_INPUT, CHECK_KEY, serve } from "../contenders/serve.ts";

// Not literals, since the service's own import map and lock file do not know these packages.
const [privacyPass, voprf] = ["@cloudflare/privacypass-ts", "@cloudflare/voprf-ts"];
const { privateVerif, TokenChallenge, TOKEN_TYPES } = await import(privacyPass);
const { Oprf, VOPRFServer } = await import(voprf);
const { Client, Issuer, keyGen, TokenRequest } = privateVerif;

const keys = await keyGen();
const issuer = new Issuer("issuer.example", keys.privateKey, keys.publicKey);
const challenge = new TokenChallenge(TOKEN_TYPES.VOPRF.value, "issuer.example", new Uint8Array(32), [
  "demo",
]);

/** One pass: request, answer, token. */
async function pass() {
  const client = new Client();
  const request = (await client.createTokenRequest(challenge, keys.publicKey)).serialize();
  return { client, request };
}

await serve({
  check: async () =>
    (await new VOPRFServer(Oprf.Suite.P384_SHA384, CHECK_KEY(48)).evaluate(CHECK_INPUT)).toHex(),
  maxBatch: 1,
  operations: {
    blind: () => pass,
    issue: async () => {
      const { request } = await pass();
      return async () => (await issuer.issue(TokenRequest.deserialize(request))).serialize();
    },
    redeem: async () => {
      const { client, request } = await pass();
      const token = await client.finalize(await issuer.issue(TokenRequest.deserialize(request)));
      return async () => {
        if (!await issuer.verify(token)) throw new Error("privacypass-ts refuses its own token");
      };
    },
  },
});
