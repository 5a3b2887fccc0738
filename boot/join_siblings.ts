/**
 * What a process and its siblings do for each other: they answer for each other's metrics, and tell each other the MAC keys
 * of tokens that they have evaluated, since the next use of a token may meet any of them.
 *
 * @module
 */
import { LEARNED_LENGTH, type MacKeyCache } from "../core/acs/mac_keys.ts";
import { hmacSha256 } from "../core/base/hmac.ts";
import { Sealer } from "../core/keys/sealing.ts";
import { readExposition } from "../core/operations/exposition.ts";
import { whyNotReady } from "../core/operations/readiness.ts";
import { hasKeys, type Server } from "../core/service.ts";
import type { Place } from "./place.ts";
import type { Secrets } from "./secrets.ts";
import type { SocketSiblings } from "./siblings.ts";

/** MAC keys are told together that were learned within so long, and no more of them than this. */
const GATHER_MS = 20;
const MAX_GATHERED = 512;
const utf8 = (text: string) => new TextEncoder().encode(text);
const CONTEXT = utf8("DIT/1 MAC keys");

/** Whose siblings they are. */
export interface JoinOptions {
  readonly siblings: SocketSiblings;
  readonly place: Place;
  readonly service: Server;
  readonly secrets: Pick<Secrets, "sealKeys">;
}

/** Answers siblings, and shares MAC keys with them where this process has keys. */
export async function joinSiblings({ siblings, place, service, secrets }: JoinOptions): Promise<void> {
  const answers = {
    metrics: () => readExposition(service),
    ready: () => whyNotReady(service),
    minutes: () => Promise.resolve(service.counters.minutes()),
  };
  if (!hasKeys(service)) return siblings.listen(answers);
  const { random, macKeys } = service;
  // Of its own for each start of all: it seals often, and the nonces of AES-GCM are random.
  const key = hmacSha256(secrets.sealKeys[0], utf8(`DIT/1 between processes ${place.folder}`));
  const sealer = await Sealer.of([Uint8Array.from(key)], random);
  siblings.listen(answers, shareMacKeys(macKeys, sealer, (bytes) => siblings.tell(bytes)));
}

/**
 * Tells others what a cache learns, sealed. Gives the function that takes what they tell, which forgets what does not open:
 * whoever could reach a socket could otherwise make up a MAC key, and with it logs of a token that there is not.
 */
export function shareMacKeys(
  cache: MacKeyCache,
  sealer: Sealer,
  tell: (sealed: Uint8Array) => void,
): (sealed: Uint8Array) => void {
  const gathered = new Uint8Array(MAX_GATHERED * LEARNED_LENGTH);
  let length = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = async () => {
    clearTimeout(timer);
    timer = undefined;
    const all = gathered.slice(0, length);
    gathered.fill(0, 0, length);
    length = 0;
    try {
      tell(await sealer.seal(all, CONTEXT));
    } finally {
      all.fill(0);
    }
  };
  cache.listen((learned) => {
    gathered.set(learned, length);
    learned.fill(0);
    length += LEARNED_LENGTH;
    if (length === gathered.length) void flush();
    else timer ??= setTimeout(() => void flush(), GATHER_MS);
  });
  return function hear(sealed) {
    void sealer.open(sealed, CONTEXT).then((all) => {
      for (let at = 0; at + LEARNED_LENGTH <= all.length; at += LEARNED_LENGTH) {
        cache.learn(all.subarray(at, at + LEARNED_LENGTH));
      }
      all.fill(0);
    }, () => {});
  };
}
