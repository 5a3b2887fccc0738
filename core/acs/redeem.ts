/**
 * The verbs of redemption for log servers elsewhere, which keep the record themselves (docs/protocol.md, section 8).
 *
 * @module
 */
import { DecodeError, equalPublic } from "../base/bytes.ts";
import { Refusal } from "../base/errors.ts";
import type { Application } from "../config/types.ts";
import type { Credential } from "../token/credential.ts";
import { decodeTranscript, type Transcript } from "../token/mac.ts";
import type { LocalRedeemer, LocalUse, Redemption, StoredUse } from "./redeemer.ts";
import type { StorePins } from "./store_pins.ts";

/** What redeeming a use needs of a service. */
export interface RedeemContext {
  /** Verifies and claims. */
  readonly redeemer: Pick<LocalRedeemer, "verify" | "store" | "wasStored">;
  /** Says which store an application belongs to. */
  readonly storePins: StorePins;
}

/** A use that another server wants claimed for a log that it has. */
export interface RedeemInput {
  /** The application whose service token the server has shown. */
  readonly app: Application;
  /** The id of the server's store, where it names one. */
  readonly storeId: string | undefined;
  /** The use. */
  readonly credential: Credential;
  /** The encoded transcript, which the credential's MAC covers. */
  readonly transcript: Uint8Array;
  /** Unix seconds, whole. */
  readonly nowSeconds: number;
}

/** A use that was claimed. */
export interface RedeemedUse {
  /** Whether it was claimed now, or had been for this very request before. */
  readonly outcome: StoredUse;
  /** The token's MAC key, 32 bytes. */
  readonly macKey: Uint8Array;
  /** Unix seconds: when the key's epoch begins; undefined where an older ACS elsewhere does not say. */
  readonly notBefore: number | undefined;
  /** Unix seconds: when the key redeems no more; undefined where an older ACS elsewhere does not say. */
  readonly redeemUntil: number | undefined;
}

/**
 * Verifies a use and claims it, or refuses it and writes nothing.
 * @throws {Refusal} With a code of docs/protocol.md, section 6.
 */
export async function redeem(context: RedeemContext, input: RedeemInput): Promise<RedeemedUse> {
  const use = await verify(context, input);
  const { redeemer, storePins } = context;
  await storePins.pin(input.app, input.storeId);
  const { macKey, key: { notBefore, redeemUntil } } = use;
  return { outcome: await redeemer.store(use), macKey, notBefore, redeemUntil };
}

/**
 * The MAC key of a use that this very request had claimed before, 32 bytes; undefined where it had not. Claims nothing:
 * who has not spent a use learns nothing of its token.
 * @throws {Refusal} With a code of docs/protocol.md, section 6.
 */
export async function findRedeemed(
  context: RedeemContext,
  input: RedeemInput,
): Promise<Uint8Array | undefined> {
  const use = await verify(context, input);
  await context.storePins.check(input.app, input.storeId);
  return await context.redeemer.wasStored(use) ? use.macKey : undefined;
}

async function verify({ redeemer }: RedeemContext, input: RedeemInput): Promise<LocalUse> {
  const { app: { id: app }, credential, nowSeconds } = input;
  const body = requireTranscriptOf(app, credential, input.transcript);
  return await redeemer.verify({ app, credential, body }, nowSeconds);
}

/** The transcript has to say what the request says: one valid transcript can claim nothing else. */
function requireTranscriptOf(app: string, credential: Credential, bytes: Uint8Array): Redemption["body"] {
  const transcript = readTranscript(bytes);
  if (
    transcript === undefined || transcript.app !== app || transcript.use !== credential.use ||
    !equalPublic(transcript.keyId, credential.keyId) || !equalPublic(transcript.nonce, credential.nonce)
  ) {
    throw new Refusal("mac_invalid", "The transcript is not one of this request.");
  }
  const { contentEncoding, bodyDigest } = transcript;
  return { contentEncoding, bodyDigest };
}

function readTranscript(bytes: Uint8Array): Transcript | undefined {
  try {
    return decodeTranscript(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
