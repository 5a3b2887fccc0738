/** \@cloudflare/voprf-ts, ristretto255 on its noble provider (its default provider has no ristretto255). */
import { CHECK_INPUT, CHECK_KEY, inputsOf, serve } from "../contenders/serve.ts";

// Not literals, since the service's own import map and lock file do not know these packages.
const packageName = "@cloudflare/voprf-ts";
const {
  Evaluation,
  EvaluationRequest,
  generatePublicKey,
  Oprf,
  randomPrivateKey,
  VOPRFClient,
  VOPRFServer,
} = await import(packageName);
const { CryptoNoble } = await import(`${packageName}/crypto-noble`);

const suite = Oprf.Suite.RISTRETTO255_SHA512;
const secretKey = await randomPrivateKey(suite, CryptoNoble);
const server = new VOPRFServer(suite, secretKey, CryptoNoble);
const client = new VOPRFClient(suite, generatePublicKey(suite, secretKey, CryptoNoble), CryptoNoble);

/** As a server meets a request: bytes in, bytes out. */
async function issue(request: Uint8Array): Promise<Uint8Array> {
  return (await server.blindEvaluate(EvaluationRequest.deserialize(suite, request, CryptoNoble))).serialize();
}

await serve({
  check: async () => (await new VOPRFServer(suite, CHECK_KEY(32), CryptoNoble).evaluate(CHECK_INPUT)).toHex(),
  operations: {
    blind: (batch) => {
      const inputs = inputsOf(batch);
      return async () => (await client.blind(inputs))[1].serialize();
    },
    issue: async (batch) => {
      const [, request] = await client.blind(inputsOf(batch));
      const bytes = request.serialize();
      return () => issue(bytes);
    },
    finalize: async (batch) => {
      const [kept, request] = await client.blind(inputsOf(batch));
      const evaluation = await issue(request.serialize());
      return () => client.finalize(kept, Evaluation.deserialize(suite, evaluation, CryptoNoble));
    },
    redeem: (batch) => {
      const inputs = inputsOf(batch);
      return async () => {
        for (const input of inputs) await server.evaluate(input);
      };
    },
  },
});
