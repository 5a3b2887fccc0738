/**
 * The directory of an ACS elsewhere, read now and then and checked against this server's own configuration.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { z } from "zod";
import { toBase64url } from "../../core/base/bytes.ts";
import type { Application, Deployment } from "../../core/config/types.ts";
import type { PublishedKey } from "../../core/keys/directory.ts";
import { epochAt, stateAt } from "../../core/keys/epoch.ts";
import { parseJson } from "../http/parse_json.ts";
import { type AcsAnswer, AcsError, type AcsExchange, refusalOf } from "./acs_exchange.ts";
import { readRegionKeys } from "./region_keys.ts";

/** Most bytes of a directory. */
const MAX_DIRECTORY_BYTES = 128 * 1024;
const REFRESH_SECONDS = 30;
const RENEW_SECONDS = 1;
const RETRY_SECONDS = 5;

const directoryMembers = z.object({
  issuer: z.string(),
  app: z.string(),
  "epoch-seconds": z.int(),
  "uses-per-token": z.int().min(1),
  "max-batch": z.int(),
  "tokens-per-client": z.int().min(1),
});

/** What a view of an ACS's directory is made of. */
export interface AcsDirectoryOptions {
  /** Asks the ACS. */
  readonly exchange: AcsExchange;
  /** This server's own configuration, which has to agree with the ACS's. */
  readonly deployment: Deployment;
  /** The region of both. */
  readonly region: string;
}

interface Known {
  readonly keys: readonly PublishedKey[];
  readonly etag: string;
  readonly readAtSeconds: number;
  /** When it could not be read again. */
  readonly failedAtSeconds?: number;
}

/** This process's view of the directories of an ACS, one an application. */
export class AcsDirectory {
  readonly #options: AcsDirectoryOptions;
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<Known>>();

  /** Asks nothing yet. */
  constructor(options: AcsDirectoryOptions) {
    this.#options = options;
  }

  /** See {@linkcode RemoteAcs.keys}: what is known is kept as long as one of its keys issues and none better is had. */
  async keys(app: string, nowSeconds: number, renew = false): Promise<readonly PublishedKey[]> {
    const known = this.#known.get(app);
    const age = nowSeconds - (known?.readAtSeconds ?? -Infinity);
    const horizon = this.#horizon(app, nowSeconds);
    const due = age < 0 || age >= (renew ? RENEW_SECONDS : REFRESH_SECONDS) ||
      // At the turn of an epoch a key is added: all that serve the directory look at once.
      (age >= RENEW_SECONDS && !known?.keys.some((key) => key.epoch === horizon));
    const failedAgo = nowSeconds - (known?.failedAtSeconds ?? -Infinity);
    const waits = failedAgo >= 0 && failedAgo < RETRY_SECONDS;
    if (known !== undefined && (!due || waits)) return current(known, nowSeconds);
    let reading = this.#reading.get(app);
    if (reading === undefined) {
      reading = this.#read(app, known, nowSeconds).finally(() => this.#reading.delete(app));
      this.#reading.set(app, reading);
    }
    try {
      return current(await reading, nowSeconds);
    } catch (error) {
      if (!known?.keys.some((key) => stateAt(key, nowSeconds) === "issuing")) throw error;
      this.#known.set(app, { ...known, failedAtSeconds: nowSeconds });
      return current(known, nowSeconds);
    }
  }

  #horizon(app: string, nowSeconds: number): number {
    const application = this.#applicationOf(app);
    return epochAt(application, nowSeconds) + application.horizonEpochs;
  }

  async #read(app: string, known: Known | undefined, nowSeconds: number): Promise<Known> {
    const headers = known === undefined ? {} : { "if-none-match": known.etag };
    const answer = await this.#options.exchange(`/v1/apps/${app}/keys`, { headers }, MAX_DIRECTORY_BYTES);
    let fresh: Known;
    if (answer.status === 304 && known !== undefined) {
      fresh = { keys: known.keys, etag: known.etag, readAtSeconds: nowSeconds };
    } else if (answer.status === 200) {
      fresh = { ...this.#readDirectory(app, answer), readAtSeconds: nowSeconds };
    } else throw refusalOf(answer);
    this.#known.set(app, fresh);
    return fresh;
  }

  #readDirectory(app: string, answer: AcsAnswer): Pick<Known, "keys" | "etag"> {
    const { deployment, region } = this.#options;
    const etag = `"${toBase64url(sha256(answer.body))}"`;
    if (answer.headers.get("etag") !== etag) {
      throw new AcsError("The ETag of the ACS's directory is not its hash.");
    }
    const application = this.#applicationOf(app);
    const directory = parseJson(answer.body)?.value;
    const members = directoryMembers.safeParse(directory);
    if (!members.success) throw new AcsError("The ACS's directory is malformed.");
    const own = {
      issuer: deployment.issuer,
      app,
      "epoch-seconds": application.epochSeconds,
      "max-batch": application.maxBatch,
    };
    for (const [name, value] of Object.entries(own)) {
      if (members.data[name as keyof typeof own] === value) continue;
      throw new AcsError(`The ACS's configuration of ${app} has another ${name} than this server's.`);
    }
    const limits = {
      usesPerToken: members.data["uses-per-token"],
      tokensPerClient: members.data["tokens-per-client"],
    };
    const keys = readRegionKeys(directory, region, application).map((key) => ({ ...key, ...limits }));
    if (keys.length === 0) throw new AcsError(`The ACS has no keys of ${app} in region ${region}.`);
    return { keys, etag };
  }

  /** The ACS knows better which keys there are: the next look at them is a new one. */
  expire(app: string): void {
    const known = this.#known.get(app);
    if (known !== undefined) {
      this.#known.set(app, { ...known, readAtSeconds: known.readAtSeconds - REFRESH_SECONDS });
    }
  }

  /** The application; asking for one that is not configured is a mistake in this program. */
  #applicationOf(app: string): Application {
    const application = this.#options.deployment.applications.get(app);
    if (application === undefined) throw new TypeError(`There is no application ${app}.`);
    return application;
  }
}

function current(known: Known, nowSeconds: number): readonly PublishedKey[] {
  return known.keys.filter((key) => stateAt(key, nowSeconds) !== "over");
}
