/**
 * What an operation of the API is: one object says who may call it, what of a request may reach it, what it takes and
 * answers. The edge strips by it, the routes parse with it, and the OpenAPI document prints it.
 *
 * @module
 */
import type { z } from "zod";
import type { RefusalCode } from "../../core/base/errors.ts";

/** What of a request may reach a route. */
export interface Passage {
  /** The kind of route, in log lines and counters. */
  readonly kind: string;
  /** The path as the router writes it: `:app` stands for a part of it, `*` at the end for whatever follows. */
  readonly path: string;
  /** Names of the header fields that pass, in lower case. */
  readonly passes: readonly string[];
  /** Whether a query string passes; it is refused otherwise, since proxies and traces write URLs down. */
  readonly query?: true;
  /** Whether one region may ask another: only there does the header of the hop mean anything. */
  readonly hop?: true;
  /** Whether it answers only to a browser that asked this machine by its own name: other sites can have theirs lead here. */
  readonly loopback?: true;
  /** Whether nobody may be recognised here later on: answers, too, carry only what is on a list. */
  readonly anonymous?: true;
}

/** An operation of the API. */
export interface Operation extends Passage {
  /** The HTTP method. */
  readonly method: "GET" | "POST";
  /** Who calls it. */
  readonly tag: "Clients" | "Other servers" | "Operators" | "Health";
  /** What it does, in a few words. */
  readonly summary: string;
  /** More, in Markdown. */
  readonly description?: string;
  /** The name of its security scheme; nobody has to show anything where there is none. */
  readonly security?: keyof typeof SECURITY;
  /**
   * Whether it lists what belongs to applications, so that an operator of some asks as well and sees theirs alone. What
   * names no application and lists none is for operators of all.
   */
  readonly ofEach?: true;
  /** The parts of its path by name. */
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  /** Headers that it takes besides those of its body and its security. */
  readonly takesHeaders?: Readonly<Record<string, z.ZodType>>;
  /** The body that it takes. */
  readonly takes?: RequestBody;
  /** What it takes in another media type instead. */
  readonly alsoTakes?: RequestBody;
  /** Its success. */
  readonly answers: Answer;
  /** Other statuses that are no refusal, such as 304. */
  readonly alsoAnswers?: Readonly<Record<number, string>>;
  /** The codes that it may refuse with, besides those that any route may. */
  readonly refuses?: readonly RefusalCode[];
}

/** How a body is encoded; empty is as it is. */
export type Encoding = "" | "gzip";

/** What an operation takes in a body. */
export interface RequestBody {
  /** What it is, in one sentence. */
  readonly description: string;
  /** Its media type. */
  readonly type: string;
  /** Whether the media type has to be named; operators' tools need not. */
  readonly namesType: boolean;
  /** What Content-Encoding may say where it is there, in lower case; nothing looks at it where this is absent. */
  readonly encodings?: readonly Encoding[];
  /** Most bytes as they are sent. */
  readonly maxBytes: number;
  /** The same in a sentence where each application has a bound of its own below: the document tells no number then. */
  readonly bound?: string;
  /** The shape of JSON; it is binary where there is none. */
  readonly shape?: z.ZodType;
  /** What to send instead of anything else, in a sentence. */
  readonly expected?: string;
  /** Whether the route gets the bytes nevertheless: they are verified before they are read. */
  readonly verified?: true;
}

/** What an operation answers in a body. */
export interface Answer {
  /** What it is, in one sentence. */
  readonly description: string;
  /** The media type; `application/json` by default. */
  readonly type?: string;
  /** The shape of JSON; binary or text where there is none. */
  readonly shape?: z.ZodType;
  /** Names of headers that come with it, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How callers show who they are, or that they need not say. */
export const SECURITY = {
  session: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The client's own session with the application, for issuance alone.",
  },
  credential: {
    type: "http",
    scheme: "DIT",
    description: "A token's nonce and a MAC under the key that only its holder can derive " +
      "(docs/protocol.md, section 5): `DIT key=..., nonce=..., use=..., mac=...`.",
  },
  serviceToken: {
    type: "http",
    scheme: "bearer",
    description: "The service token of the application.",
  },
  adminToken: {
    type: "http",
    scheme: "bearer",
    description: "The admin token.",
  },
  readerToken: {
    type: "http",
    scheme: "bearer",
    description: "The reader token, or the admin token: nothing is changed, and no raw record given out.",
  },
  analystToken: {
    type: "http",
    scheme: "bearer",
    description: "The analyst token, the reader token, or the admin token: nothing exact is given out.",
  },
} as const;

/** Codes that any request may be refused with, before a route sees it or while it works. */
export const ANY_REFUSAL: readonly RefusalCode[] = [
  "query_refused",
  "target_malformed",
  "route_unknown",
  "method_not_allowed",
  "overloaded",
  "headers_too_large",
  "internal",
  "store_unavailable",
];
