/**
 * The table of lies: what a dishonest service, or somebody in front of an honest one, does to answers, and what the
 * client must do. A lie is told over HTTP, so that the same one meets the client in every runtime.
 *
 * @module
 */
import type { ApplicationConfig } from "../../core/config/types.ts";
import type { Seen, Step } from "./seen.ts";

/** What a lie is about. */
export type Area = "directory" | "schema" | "tokens" | "logs" | "time" | "transport";

/** A request that is answered with a lie. */
export interface Asked {
  readonly step: Step;
  /** How many requests of this step were answered with a lie before, after the client's last change of it. */
  readonly count: number;
  readonly request: Request;
  /** The service's Unix milliseconds. */
  readonly now: number;
  /** Has the honest service do its work. */
  readonly honest: () => Promise<Response>;
  /** Asks another service of the same configuration, with keys of its own. */
  readonly other: () => Promise<Response>;
  /** What the lie remembers, for as long as it is told to one client. */
  readonly memory: Map<string, unknown>;
}

/** Answers a request. */
export type Answer = (asked: Asked) => Response | Promise<Response>;

/** The answers of the steps that are not answered honestly. */
export type Tell = Partial<Record<Step, Answer>>;

/** What the client must do while it is lied to, and afterwards. All else that {@linkcode runLie} demands goes for all. */
export interface Demand {
  /** `step code` of refusals that the app must be told; the others that it is told do not matter. */
  readonly refused?: readonly string[];
  /** How many of the events must be told as sent while the lie is told: 0 by default, undefined: any number. */
  readonly sent?: number | undefined;
  /** Whether tokens may be kept of what the lie answers: true by default. */
  readonly keepsTokens?: boolean;
  /** Events that are told as dropped, by reason; none by default. `any`: a service that refuses them can have that. */
  readonly dropped?: Readonly<Record<string, number>> | "any";
  /** Events that the service says it has taken, and has not; none by default. */
  readonly untrue?: number;
  /** Whether it makes tokens worthless that the honest service counts: with its quota of two, nothing is left until the next key. */
  readonly wastesQuota?: boolean;
  /** Most requests of a step while the lie is told. */
  readonly most?: Partial<Record<Step, number>>;
  /** Anything else about the requests of the time of the lie. */
  readonly check?: (seen: readonly Seen[]) => void;
}

/** One lie. */
export interface Lie {
  /** Ends the sentence "the client bears ...". */
  readonly name: string;
  readonly area: Area;
  readonly tell: Tell;
  readonly client: Demand;
  /** What is configured of the honest service. */
  readonly service?: Partial<ApplicationConfig>;
  /** Whether the client is given a mirror: the same service, which is honest unless the lie says otherwise. */
  readonly mirror?: boolean;
  /** Whether the client is given the schema of the honest service as the one that it was compiled with. */
  readonly declared?: boolean;
  /** Whether the app was built with a pin: the newest link of the honest service's keys. */
  readonly pinned?: boolean;
  /** Events that are delivered honestly before the lie: none by default. */
  readonly before?: number;
  /** Seconds that pass between them and the lie. */
  readonly later?: number;
  /** Events that are logged while the lie is told; 3 by default. */
  readonly events?: number;
  /** How often the client tries while the lie is told; twice by default. */
  readonly rounds?: number;
  /** Seconds that pass after each try but the last; 0 by default. */
  readonly pause?: number;
}

/** Fixes the type of an area's rows. */
export function rows(area: Area, lies: readonly Omit<Lie, "area">[]): readonly Lie[] {
  return lies.map((lie) => ({ ...lie, area }));
}
