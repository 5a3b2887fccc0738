/**
 * Issuance and the curve, loaded when the first token is needed: a page that only logs, or has tokens left, does without
 * their bytes.
 *
 * @module
 */
import type { ClientSuite } from "../../core/voprf/noble_client.ts";
import type { Issuance, IssuanceParts } from "./issuance.ts";

/** The part of {@linkcode Issuance} that a pass uses. */
export type FetchesTokens = Pick<Issuance, "fetch">;

/** Issuance with the app's own suite, or with ristretto255. What cannot be loaded is tried again by the next pass. */
export function issuanceWhenNeeded(
  { suite, ...parts }: Omit<IssuanceParts, "suite"> & { readonly suite: ClientSuite | undefined },
): FetchesTokens {
  let loading: Promise<Issuance> | undefined;

  async function load(): Promise<Issuance> {
    const [{ Issuance }, chosen] = await Promise.all([
      import("./issuance.ts"),
      suite ??
        import("../../core/voprf/noble_client.ts").then(({ clientRistretto255 }) => clientRistretto255),
    ]);
    return new Issuance({ ...parts, suite: chosen });
  }

  return {
    async fetch(need, force) {
      loading ??= load();
      let issuance: Issuance;
      try {
        issuance = await loading;
      } catch {
        loading = undefined;
        parts.network.report("refused", { step: "tokens", code: "no_answer" });
        return false;
      }
      return await issuance.fetch(need, force);
    },
  };
}
