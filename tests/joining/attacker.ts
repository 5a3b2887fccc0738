/**
 * The attacker: every way we know to join the issuance of a token to the logs that were sent with it. Each gives, for as
 * many clients as it can, the pseudonym under which it believes that the client logged.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { concat, fromBase64url, toBase64url, utf8 } from "../../core/base/bytes.ts";
import { claimId, useDigest } from "../../core/ledger/row_ids.ts";
import { deriveMacKey, digestBody, encodeTranscript } from "../../core/token/mac.ts";
import { deriveNonce } from "../../core/token/nonce.ts";
import { encodeTokenInput } from "../../core/token/token.ts";
import type { Claim, Evidence, Found, Issuance, StolenKey } from "./evidence.ts";
import { APP } from "./world.ts";

/** Clients and the pseudonyms that were guessed for them. */
export type Guesses = ReadonlyMap<number, string>;

/** Somebody who logged. */
export interface Suspect {
  readonly pseudonym: string;
  /** The earliest of their records. */
  readonly first: Found;
  readonly records: readonly Found[];
}

/** Everybody who logged, in no order that matters. */
export function suspectsOf(evidence: Evidence): Suspect[] {
  const byPseudonym = Map.groupBy(evidence.records, ({ record }) => record.pseudonym!);
  return [...byPseudonym].map(([pseudonym, records]) => ({
    pseudonym,
    first: records.toSorted((a, b) => a.at - b.at || byStorage(a, b))[0]!,
    records,
  }));
}

/** The order in which records lie in the store. */
function byStorage(a: Found, b: Found): number {
  return a.position - b.position || compare(a.place, b.place) || a.index - b.index;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The hour in which somebody was first seen. */
export function firstHour({ first }: Suspect): number {
  return Math.floor(first.at / 3_600);
}

/** In each hour, the users who first asked in it and those who first logged in it, both in some order: the same ranks match. */
function matchRanks(
  evidence: Evidence,
  users: (a: Issuance, b: Issuance) => number,
  suspects: (a: Suspect, b: Suspect) => number,
): Guesses {
  const guesses = new Map<number, string>();
  const byHour = Map.groupBy(suspectsOf(evidence), firstHour);
  for (const [hour, asked] of Map.groupBy(evidence.issuances, ({ hours }) => Math.min(...hours))) {
    const logged = (byHour.get(hour) ?? []).toSorted(suspects);
    for (const [rank, { client }] of asked.toSorted(users).entries()) {
      const match = logged[Math.floor(rank * logged.length / asked.length)];
      if (match !== undefined) guesses.set(client, match.pseudonym);
    }
  }
  return guesses;
}

const byCommit = (a: Issuance, b: Issuance) => a.position - b.position;

/** By order: who asked first logged first. */
function byOrder(evidence: Evidence): Guesses {
  return matchRanks(evidence, byCommit, (a, b) => byStorage(a.first, b.first));
}

/** By totals: where somebody stands among those of their row and hour, they stand among all of the hour. */
function byTotals(evidence: Evidence): Guesses {
  const suspects = new Map(suspectsOf(evidence).map((suspect) => [suspect.pseudonym, suspect]));
  const places = new Map<string, number>();
  for (const row of evidence.totals) {
    const known = row.flatMap((pseudonym) => suspects.get(pseudonym) ?? []);
    for (const crowd of Map.groupBy(known, firstHour).values()) {
      for (const [index, { pseudonym }] of crowd.entries()) {
        places.set(pseudonym, (index + 1) / (crowd.length + 1));
      }
    }
  }
  const placeOf = ({ pseudonym }: Suspect) => places.get(pseudonym) ?? 0;
  return matchRanks(
    evidence,
    byCommit,
    (a, b) => placeOf(a) - placeOf(b) || compare(a.pseudonym, b.pseudonym),
  );
}

/** By time: as far as records tell seconds, in their order. */
function byTime(evidence: Evidence): Guesses {
  return matchRanks(evidence, byCommit, (a, b) => a.first.at - b.first.at || byStorage(a.first, b.first));
}

/** By versionstamp: before the first commit of somebody new, the last user who asked and logged nothing yet. */
function byVersionstamp(evidence: Evidence): Guesses {
  const guesses = new Map<number, string>();
  const asked = evidence.issuances.toSorted(byCommit);
  const waiting: Issuance[] = [];
  for (const { pseudonym, first } of suspectsOf(evidence).sort((a, b) => byStorage(a.first, b.first))) {
    while (asked.length > 0 && asked[0]!.position < first.position) waiting.push(asked.shift()!);
    const user = waiting.pop();
    if (user !== undefined) guesses.set(user.client, pseudonym);
  }
  return guesses;
}

/** By what was moved together: the first row or segment that was written after a user asked has their record. */
function byMove(evidence: Evidence): Guesses {
  const guesses = new Map<number, string>();
  const byHour = Map.groupBy(suspectsOf(evidence).sort((a, b) => byStorage(a.first, b.first)), firstHour);
  for (const { client, position, hours } of evidence.issuances) {
    const logged = byHour.get(Math.min(...hours)) ?? [];
    const next = logged.find(({ first }) => first.position > position)?.first.position;
    const together = logged.filter(({ first }) => first.position === next);
    // Anyone of them; who it is shall not depend on what other methods go by.
    const match = together[client % together.length];
    if (match !== undefined) guesses.set(client, match.pseudonym);
  }
  return guesses;
}

/** By size: who wrote longer rows wrote longer records. */
function bySize(evidence: Evidence): Guesses {
  const size = ({ record }: Found) => JSON.stringify(record).length;
  return matchRanks(
    evidence,
    (a, b) => a.granted - b.granted || a.hours.length - b.hours.length || byCommit(a, b),
    (a, b) => size(a.first) - size(b.first) || byStorage(a.first, b.first),
  );
}

/** By key order: tags, pseudonyms and places in the order of their bytes. */
function byKeyOrder(evidence: Evidence): Guesses {
  return matchRanks(
    evidence,
    (a, b) => compare(a.tag.toHex(), b.tag.toHex()),
    (a, b) =>
      compare(fromBase64url(a.pseudonym).toHex(), fromBase64url(b.pseudonym).toHex()) ||
      compare(a.first.place, b.first.place),
  );
}

/** By ids: the pseudonym that differs least from the user's tag. */
function byIds(evidence: Evidence): Guesses {
  const suspects = suspectsOf(evidence).map(({ pseudonym }) => ({
    pseudonym,
    bytes: fromBase64url(pseudonym),
  }));
  const guesses = new Map<number, string>();
  for (const { client, tag } of evidence.issuances) {
    let [best, least] = ["", Infinity];
    for (const { pseudonym, bytes } of suspects) {
      let distance = 0;
      for (let at = 0; at < 16 && distance < least; at++) distance += ones(tag[at]! ^ bytes[at]!);
      if (distance < least) [best, least] = [pseudonym, distance];
    }
    guesses.set(client, best);
  }
  return guesses;
}

function ones(byte: number): number {
  let count = 0;
  for (let left = byte; left > 0; left &= left - 1) count++;
  return count;
}

/** By counters: who was given more tokens logged more. */
function byCounters(evidence: Evidence): Guesses {
  return matchRanks(
    evidence,
    (a, b) => a.granted - b.granted || byCommit(a, b),
    (a, b) => a.records.length - b.records.length || byStorage(a.first, b.first),
  );
}

/** By the server's lines: after each line about tokens, the next about a log; as they stand, so do the rows. */
function byLines({ issuances, records, lines }: Evidence): Guesses {
  const users = issuances.toSorted(byCommit);
  const stored = records.toSorted((a, b) => a.at - b.at || byStorage(a, b));
  const guesses = new Map<number, string>();
  const accepted = lines.filter(({ status, route }) => status === 200 && /^(?:tokens|logs)$/.test(route));
  let [tokens, logs] = [0, 0];
  for (const { route } of accepted) {
    if (route === "logs") logs++;
    else {
      const user = users[tokens++];
      const record = stored[logs]?.record;
      if (user !== undefined && record !== undefined) guesses.set(user.client, record.pseudonym!);
    }
  }
  return guesses;
}

/** By the claims of one token: how many there are, and in which hours, is somebody's habit. */
function byTokens(evidence: Evidence): Guesses {
  const tokens = [...Map.groupBy(evidence.claims, ({ id }) => id.slice(0, 20).toHex()).values()]
    .map((claims) => claims.toSorted((a, b) => a.position - b.position))
    .sort((a, b) => a[0]!.position - b[0]!.position);
  const hourOf = hoursByPosition(evidence.issuances);
  const habits = suspectsOf(evidence).map(({ pseudonym, records }) => ({
    pseudonym,
    hours: histogram(records.map(({ at }) => Math.floor(at / 3_600))),
  }));
  const guesses = new Map<number, string>();
  let next = 0;
  for (const { client, position } of evidence.issuances.toSorted(byCommit)) {
    while (next < tokens.length && tokens[next]![0]!.position < position) next++;
    const token = tokens[next];
    if (token === undefined) break;
    const hours = histogram(token.map((claim: Claim) => hourOf(claim.position)));
    let [best, least] = ["", Infinity];
    for (const habit of habits) {
      const distance = habit.hours.reduce((sum, count, hour) => sum + Math.abs(count - hours[hour]!), 0);
      if (distance < least) [best, least] = [habit.pseudonym, distance];
    }
    guesses.set(client, best);
  }
  return guesses;
}

/** Quota rows say the hour and have a position: together they are a clock for every other position. */
function hoursByPosition(issuances: readonly Issuance[]): (position: number) => number {
  const ticks = issuances.filter(({ hours }) => hours.length === 1).toSorted(byCommit);
  return (position) => ticks.findLast((tick) => tick.position <= position)?.hours[0] ?? 0;
}

function histogram(hours: readonly number[]): number[] {
  const counts = Array<number>(26).fill(0);
  for (const hour of hours) counts[hour] = (counts[hour] ?? 0) + 1;
  return counts;
}

/** By rebuilding: find the claim whose MAC is that of a record's body, sign it anew with the stolen keys, and compare. */
function byRebuilding(evidence: Evidence): Guesses {
  const claims = new Map(evidence.claims.map((claim) => [claim.id.toHex(), claim]));
  const hourOf = hoursByPosition(evidence.issuances);
  const bindings = Map.groupBy(bindingsOf(evidence), ({ pseudonym }) => pseudonym);
  const bodies = Map.groupBy(
    evidence.records.flatMap((found) => {
      const bound = bindings.get(found.record.pseudonym!) ?? [];
      return [undefined, ...bound.map(({ binding }) => toBase64url(binding))]
        .flatMap((binding) => rebuild(found, binding))
        .map((body) => ({ found, digest: digestBody(body) }));
    }),
    ({ found }) => Math.floor(found.at / 3_600),
  );
  const users = evidence.issuances.toSorted(byCommit);
  const guesses = new Map<number, string>();
  for (const nonce of evidence.unexplained) {
    for (const { key, use, claim } of claimsOf(nonce, evidence, claims)) {
      // The token is the last that was given before its first use.
      const user = users.findLast(({ position }) => position < claim.position);
      if (user === undefined || guesses.has(user.client)) continue;
      const macKey = macKeyOf(key, nonce);
      const hour = hourOf(claim.position);
      const near = [hour, hour - 1, hour + 1].flatMap((hour) => bodies.get(hour) ?? []);
      const match = near.find(({ digest }) => {
        const transcript = { app: APP, contentEncoding: "" as const, keyId: key.keyId, nonce, use };
        const mac = createHmac("sha256", macKey).update(
          encodeTranscript({ ...transcript, bodyDigest: digest }),
        );
        return claim.tag.toHex() === mac.digest("hex").slice(0, 32);
      });
      if (match !== undefined) guesses.set(user.client, match.found.record.pseudonym!);
    }
  }
  return guesses;
}

/** A nonce that was made for a pseudonym, with what binds it. */
interface Bound {
  readonly nonce: Uint8Array;
  readonly binding: Uint8Array;
  readonly pseudonym: string;
}

/** What was found of each evidence: it is long to look for, and two methods go by it. */
const found = new WeakMap<Evidence, Bound[]>();

function bindingsOf(evidence: Evidence): Bound[] {
  const known = found.get(evidence) ?? findBindings(evidence);
  found.set(evidence, known);
  return known;
}

/** Every value that could be a binding with every pseudonym: those that make the nonce of a claim. */
function findBindings(evidence: Evidence): Bound[] {
  // Ordinal of the key, digest, use.
  const claimed = new Set(evidence.claims.map(({ id }) => id.slice(4, 20).toHex()));
  const pseudonyms = suspectsOf(evidence).map(({ pseudonym }) => pseudonym);
  return evidence.unexplained.flatMap((binding) =>
    pseudonyms.flatMap((pseudonym) => {
      const nonce = deriveNonce(binding, fromBase64url(pseudonym));
      const uses = Array.from({ length: 64 }, (_, use) => use);
      const isClaimed = uses.some((use) => claimed.has(useDigest(nonce, use).slice(0, 16).toHex()));
      return isClaimed ? [{ nonce, binding, pseudonym }] : [];
    })
  );
}

/** By bindings: who binds a nonce to a pseudonym has its claims, and so the user who asked last before the first. */
function byBindings(evidence: Evidence): Guesses {
  const claims = new Map(evidence.claims.map((claim) => [claim.id.toHex(), claim]));
  const users = evidence.issuances.toSorted(byCommit);
  const guesses = new Map<number, string>();
  for (const { nonce, pseudonym } of bindingsOf(evidence)) {
    const first = Math.min(...claimsOf(nonce, evidence, claims).map(({ claim }) => claim.position));
    const user = users.findLast(({ position }) => position < first);
    if (user !== undefined && !guesses.has(user.client)) guesses.set(user.client, pseudonym);
  }
  return guesses;
}

/** The claims of a nonce, if it is one. */
function claimsOf(
  nonce: Uint8Array,
  { keys }: Evidence,
  claims: ReadonlyMap<string, Claim>,
): { key: StolenKey; use: number; claim: Claim }[] {
  return keys.flatMap((key) =>
    Array.from({ length: 64 }, (_, use) => {
      const claim = claims.get(claimId(key.ordinal, useDigest(nonce, use), use).toHex());
      return claim === undefined ? [] : [{ key, use, claim }];
    }).flat()
  );
}

function macKeyOf({ suite, keyId, challengeDigest, secretKey }: StolenKey, nonce: Uint8Array): Uint8Array {
  const { tokenType } = suite;
  const input = encodeTokenInput({ tokenType, nonce, challengeDigest, tokenKeyId: keyId });
  return deriveMacKey(suite.evaluate(secretKey, [input])[0]!);
}

/** The bodies that a record can have come from, with every salt that is no secret. */
function rebuild({ record }: Found, binding: string | undefined): Uint8Array<ArrayBuffer>[] {
  const salts = [new Uint8Array(16), new Uint8Array(16).fill(0xff), fromBase64url(record.pseudonym!)];
  const { pseudonym, events } = record;
  return [{}, ...salts.map((salt) => ({ salt: toBase64url(salt) }))]
    .map((salt) => concat(utf8(JSON.stringify({ ...salt, pseudonym, binding, events }))));
}

/** Everything that the attacker tries, by name. */
export const METHODS: Readonly<Record<string, (evidence: Evidence) => Guesses>> = {
  order: byOrder,
  time: byTime,
  versionstamp: byVersionstamp,
  "moved together": byMove,
  size: bySize,
  "key order": byKeyOrder,
  ids: byIds,
  counters: byCounters,
  lines: byLines,
  totals: byTotals,
  "claims of a token": byTokens,
  rebuilding: byRebuilding,
  bindings: byBindings,
};
