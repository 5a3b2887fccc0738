/**
 * What a thief has who takes everything but live memory and the network: the whole store with its versionstamps, the
 * sealing keys, the list of all users, the lines of the server, and the directory, which is public.
 *
 * @module
 */
import { clientTag } from "../../core/acs/client_tag.ts";
import { MONITOR_SECRET, openSealedSecret } from "../../core/keys/sealed_secret.ts";
import { ComparisonDomain } from "../../core/privacy/dp/comparison_domain.ts";
import { toId } from "../../core/privacy/sketch/digest_sample.ts";
import { fromBase64url } from "../../core/base/bytes.ts";
import { type KeyRow, openSecret } from "../../core/keys/key_row.ts";
import { quotaKey } from "../../core/acs/families.ts";
import { readSegment } from "../../core/ledger/segments.ts";
import { splitLines } from "../../core/ledger/pack_records.ts";
import type { LogRecord } from "../../core/schema/record.ts";
import { parseInstant } from "../../core/base/time.ts";
import { challengeDigest } from "../../core/token/challenge.ts";
import { tokenKeyId } from "../../core/token/token.ts";
import type { Suite } from "../../core/voprf/suite.ts";
import type { AccessLine } from "../../edge/access_log.ts";
import { APP, DAY, ISSUER, subjectOf, type World } from "./world.ts";
import type { Entry, Key } from "../../core/store/port.ts";

/** That a user was given tokens: their tag was found by trying every user under the unsealed pepper. */
export interface Issuance {
  readonly client: number;
  /** Order of the commit in the store. */
  readonly position: number;
  /** Hours of the day in which they asked. */
  readonly hours: readonly number[];
  readonly granted: number;
  readonly tag: Uint8Array;
}

/** That a use was claimed. */
export interface Claim {
  readonly position: number;
  /** Ordinal of the key, digest, use. */
  readonly id: Uint8Array;
  /** 16 bytes of the MAC. */
  readonly tag: Uint8Array;
}

/** A record and where it lies. */
export interface Found {
  readonly record: LogRecord;
  /** When its first event happened, as far as the record says it: seconds of the day. */
  readonly at: number;
  /** Whether it lies in the row of its commit, or was moved. */
  readonly moved: boolean;
  /** Order of the commit that wrote the row or segment. */
  readonly position: number;
  /** Key of the row or segment, in hex, and the place in it. */
  readonly place: string;
  readonly index: number;
}

/** What signs tokens. */
export interface StolenKey {
  readonly ordinal: number;
  readonly keyId: Uint8Array;
  readonly challengeDigest: Uint8Array;
  readonly secretKey: Uint8Array;
  readonly suite: Suite;
}

/** All of it. */
export interface Evidence {
  readonly issuances: readonly Issuance[];
  readonly claims: readonly Claim[];
  readonly records: readonly Found[];
  readonly keys: readonly StolenKey[];
  /** Values of 32 bytes that are nothing else: they could be nonces, or what binds one to a pseudonym. */
  readonly unexplained: readonly Uint8Array[];
  readonly lines: readonly AccessLine[];
  /** Rows of what pseudonyms say in total: the pseudonyms of each, in the order in which they stand. */
  readonly totals: readonly (readonly string[])[];
}

/** Steals everything. */
export async function steal(world: World): Promise<Evidence> {
  const { store, deployment } = world.service;
  const rows = await Array.fromAsync(store.list<unknown>({ prefix: [] }));
  const family = (name: string) => rows.filter(({ key }) => key[0] === name);
  const app = deployment.applications.get(APP)!;
  const keys: (StolenKey & { pepper: Uint8Array })[] = [];
  for (const { value } of family("k")) {
    const row = value as KeyRow;
    const suite = world.service.rotation.suites(app.suite);
    keys.push({
      ordinal: row.ordinal,
      keyId: tokenKeyId(row.publicKey),
      challengeDigest: challengeDigest({
        tokenType: suite.tokenType,
        issuerName: deployment.issuer,
        app: APP,
      }),
      suite,
      ...await openSecret(world.sealer, row),
    });
  }
  const records = findRecords([...family("l"), ...family("g")]);
  const secret = await openSealedSecret(store, world.sealer, world.service.random, MONITOR_SECRET);
  const domain = new ComparisonDomain(secret, [deployment.issuer]);
  const hashed = new Map(
    records.map((
      { record: { pseudonym } },
    ) => [toId(domain.hashPseudonym(fromBase64url(pseudonym!))), pseudonym!]),
  );
  return {
    issuances: findIssuances(family("q"), keys, world.pseudonyms.length),
    claims: family("c").map(({ key, value, stamp }) => ({
      position: positionOf(stamp),
      id: key[1] as Uint8Array,
      tag: (value as Uint8Array).slice(0, 16),
    })),
    records,
    keys,
    unexplained: rows.map(({ value }) => value).filter((value) =>
      value instanceof Uint8Array && value.length === 32
    ) as Uint8Array[],
    lines: world.lines,
    totals: family("rt").map(({ value }) =>
      idsOfTotals(value as Uint8Array).flatMap((id) => hashed.get(id) ?? [])
    ),
  };
}

function findRecords(rows: readonly Entry<unknown>[]): Found[] {
  return rows.flatMap(({ key, value, stamp }) => {
    const moved = key[0] === "g";
    const bytes = value as Uint8Array;
    return (moved ? readSegment(bytes) : splitLines(bytes)).map((line, index): Found => {
      const record: LogRecord = JSON.parse(new TextDecoder().decode(line));
      return {
        record,
        at: Math.min(...record.events.map(({ at }) => parseInstant(at)! - DAY * 86_400)),
        moved,
        position: positionOf(stamp),
        place: (key[3] as Uint8Array).toHex(),
        index,
      };
    });
  });
}

/** u8 version | u8 number of deltas | 8 bytes each | u8 level | pairs of float64 (pseudonym, sum). */
function idsOfTotals(row: Uint8Array): number[] {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const begin = 2 + 8 * view.getUint8(1) + 1;
  return Array.from({ length: (row.length - begin) / 16 }, (_, index) => view.getFloat64(begin + 16 * index));
}

interface QuotaRow {
  readonly granted: number;
  readonly requests: readonly { readonly hour: number }[];
}

function findIssuances(
  rows: readonly Entry<unknown>[],
  keys: readonly { readonly ordinal: number; readonly pepper: Uint8Array }[],
  clients: number,
): Issuance[] {
  const users = new Map<string, number>();
  for (const { ordinal, pepper } of keys) {
    for (let client = 0; client < clients; client++) {
      const tag = clientTag(pepper, { issuer: ISSUER, subject: subjectOf(client) });
      users.set(keyName(quotaKey(ordinal, tag)), client);
    }
  }
  return rows.map(({ key, value, stamp }) => {
    const { granted, requests } = value as QuotaRow;
    return {
      client: users.get(keyName(key))!,
      position: positionOf(stamp),
      hours: requests.map(({ hour }) => hour - DAY * 24),
      granted,
      tag: (key[1] as Uint8Array).slice(4),
    };
  });
}

function keyName(key: Key): string {
  return (key[1] as Uint8Array).toHex();
}

/** Versionstamps rise from commit to commit; the last four digits tell the order within one. */
function positionOf(versionstamp: string): number {
  return parseInt(versionstamp.slice(0, 16), 16);
}
