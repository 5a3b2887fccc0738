/**
 * Where a client's requests go: for keys and tokens to the issuing endpoint, for logs and the schema to the logging
 * endpoint (docs/protocol.md, section 7). No connection to one of them carries what goes to the other.
 *
 * @module
 */
import type { Directory } from "./directory.ts";
import { leadsTo } from "./endpoint.ts";

/** Where the service is, as the app says: at one endpoint, from which the directory may lead to others, or at two. */
export interface Endpoints {
  /** Where keys are, and tokens unless the directory says otherwise. */
  readonly issue: string;
  /** Where logs go unless the directory says otherwise. */
  readonly log: string;
  /** Whether the directory may say otherwise. */
  readonly follows: boolean;
}

/** What of a directory says where to go. */
type Named = Pick<Directory, "issuingEndpoint" | "loggingEndpoint">;

/** The URLs of one application, `{endpoint}/v1/apps/{app}`. */
export class Places {
  readonly #endpoints: Endpoints;
  readonly #path: string;

  /** For the application with this id. */
  constructor(endpoints: Endpoints, app: string) {
    this.#endpoints = endpoints;
    this.#path = `/v1/apps/${app}`;
  }

  /** Where the directory is: no directory says that. */
  get directory(): string {
    return this.#endpoints.issue + this.#path;
  }

  /** Where tokens are issued. */
  issuing(directory: Named | undefined): string {
    const { issue } = this.#endpoints;
    return this.#lead(issue, directory?.issuingEndpoint, "tokens") + this.#path;
  }

  /** Where logs go, and where the schema is that says what may be in them. */
  logging(directory: Named | undefined): string {
    const { log } = this.#endpoints;
    return this.#lead(log, directory?.loggingEndpoint, "logs") + this.#path;
  }

  /** Whether a directory leads nowhere that this client does not go. */
  admits({ issuingEndpoint, loggingEndpoint }: Named): boolean {
    const { issue, log, follows } = this.#endpoints;
    return !follows || (issuingEndpoint === undefined || leadsTo(issuingEndpoint, issue, "tokens")) &&
        (loggingEndpoint === undefined || leadsTo(loggingEndpoint, log, "logs"));
  }

  #lead(endpoint: string, named: string | undefined, label: "tokens" | "logs"): string {
    return named !== undefined && this.#endpoints.follows && leadsTo(named, endpoint, label)
      ? named
      : endpoint;
  }
}
