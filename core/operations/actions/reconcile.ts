/**
 * Comparing all records with the uses that were redeemed, because an operator asks for it.
 *
 * @module
 */
import type { Deployment } from "../../config/types.ts";
import { type AuditReport, auditStore } from "../../jobs/reconciliation.ts";
import type { Store } from "../../store/store.ts";
import type { Actor, AuditLog } from "../audit_log.ts";
import { detailsOf } from "./details.ts";

/** What a reconciliation works with. */
export interface ReconcileContext {
  /** The store. */
  readonly store: Store;
  /** The checked configuration. */
  readonly deployment: Deployment;
  /** Where actions are written down. */
  readonly auditLog: AuditLog;
}

/** Why an operator asks. */
export interface ReconcileOrder {
  /** For the audit log. */
  readonly reason?: string | undefined;
}

/** Reconciles a store for operators. One instance a process: all who ask while one runs get the same report. */
export class Reconciler {
  readonly #context: ReconcileContext;
  #running: Promise<AuditReport> | undefined;

  /** Reads nothing yet. */
  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  /** Reads the whole store and compares. */
  async reconcile(actor: Actor, { reason }: ReconcileOrder = {}): Promise<AuditReport> {
    const { store, deployment, auditLog } = this.#context;
    const action = { action: "POST /admin/v1/audit", details: detailsOf(reason) };
    return await auditLog.record(actor, action, () => {
      this.#running ??= auditStore(store, deployment.applications.keys())
        .finally(() => this.#running = undefined);
      return this.#running;
    });
  }
}
