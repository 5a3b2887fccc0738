/**
 * What a lying service may do and see. Everything that it sees it keeps, but addresses, and times within the hour. Where
 * logs go it sees no account: what a client's connections join there is all that it has.
 *
 * @module
 */

/** What a request is for. */
export type Step = "keys" | "history" | "tokens" | "schema" | "logs";

/** A log as it arrived. */
export interface Arrived {
  /** Hours since 1970. */
  readonly hour: number;
  readonly connection: string;
  readonly keyId: string;
  readonly nonce: string;
  readonly use: number;
  /** Empty where none is collected. */
  readonly pseudonym: string;
  // deno-lint-ignore no-explicit-any -- whatever was collected.
  readonly events: readonly any[];
}

/** A request that may be answered with anything. */
export interface Asked {
  readonly step: Step;
  /** Requests of one connection are one client's. */
  readonly connection: string;
  readonly hour: number;
  /** Seconds until the next turn of the pseudonym. */
  readonly beforeTurn: number;
  /** Who asks for tokens. */
  readonly account: string | undefined;
  readonly log: Arrived | undefined;
  /**
   * Has one of the services that the attacker runs do its work: the first is the one that a mirror shows, the others have
   * the same name, and keys of their own. `ahead`: the seconds by which it believes to be ahead.
   */
  readonly honest: (service?: number, ahead?: number) => Promise<Response>;
}

/** A request for tokens, or for what leads to it, as it is remembered. */
export interface Visit {
  readonly step: Step;
  readonly connection: string;
  readonly hour: number;
  readonly account: string | undefined;
}

/** All that was seen. */
export interface Seen {
  readonly logs: readonly Arrived[];
  readonly visits: readonly Visit[];
}

/** Pairs that are one device's: pseudonyms of two periods, an account and its pseudonym, or two tokens. */
export type Pairs = ReadonlyMap<string, string>;

/** One that lies, and says afterwards what it has learnt. */
export interface Attacker {
  /** Answers a request. */
  answer(asked: Asked): Promise<Response> | Response;
  /** Joins what was seen. */
  join(seen: Seen): Pairs;
  /** What everybody is shown as the directory, a mirror too. */
  // deno-lint-ignore no-explicit-any -- as published.
  publish?(directory: any): void | Promise<void>;
}

/** A problem document. */
export function refusal(status: number, code: string, wait?: number): Response {
  return Response.json({ status, code, title: code }, {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...wait !== undefined && { "retry-after": String(wait) },
    },
  });
}

/** Says that a log was taken. */
export function taken({ log }: Asked): Response {
  return Response.json({ accepted: log?.events.length ?? 0, rejected: [] });
}

/** An honest document that is changed; without a validator, since one that is not its digest is refused. */
// deno-lint-ignore no-explicit-any -- whatever a lie makes of it.
export async function changed(response: Response, change: (document: any) => void): Promise<Response> {
  if (response.status !== 200) return response;
  const document = await response.json();
  change(document);
  const { headers } = response;
  headers.delete("etag");
  return new Response(JSON.stringify(document), { headers });
}

/** An answer with another time and freshness. */
export function timed(response: Response, milliseconds: number, maxAge: number): Response {
  response.headers.set("date", new Date(milliseconds).toUTCString());
  response.headers.set("cache-control", `max-age=${maxAge}`);
  return response;
}

/** The accounts that were seen on connections. */
export function accountsOf({ visits }: Seen): ReadonlyMap<string, string> {
  return new Map(
    visits.flatMap(({ connection, account }) => account === undefined ? [] : [[connection, account]]),
  );
}

/** Pairs those of two sides whose marks are the same, in any order: each of a side once. */
export function pairByMark(
  first: ReadonlyMap<string, unknown>,
  second: ReadonlyMap<string, unknown>,
): Pairs {
  const waiting = Map.groupBy([...second.keys()].sort(), (one) => JSON.stringify(second.get(one)));
  const pairs = new Map<string, string>();
  for (const one of [...first.keys()].sort()) {
    const match = waiting.get(JSON.stringify(first.get(one)))?.shift();
    if (match !== undefined) pairs.set(one, match);
  }
  return pairs;
}

/** The numbers of a log's events. */
export function numbersOf({ events }: Arrived): number[] {
  return events.map(({ fields }) => fields.number);
}

/** The logs by pseudonym, oldest first. */
export function byPseudonym({ logs }: Seen): ReadonlyMap<string, readonly Arrived[]> {
  return Map.groupBy(logs, ({ pseudonym }) => pseudonym);
}

/** Gives each new name a number, in turn, and remembers it. */
export class Numbers {
  readonly #numbers = new Map<string, number>();

  /** The number of a name. */
  of(name: string): number {
    return this.#numbers.getOrInsertComputed(name, () => this.#numbers.size);
  }

  /** Whether a name has one. */
  has(name: string): boolean {
    return this.#numbers.has(name);
  }
}
