/**
 * What a device has reported about its fields under local differential privacy (docs/protocol.md, section 10). A report
 * belongs to a field, a period of the pseudonym and an encoded value: it is drawn once, remembered, and sent again. The
 * values of a field that are reported about in a period are few, since their losses add up.
 *
 * @module
 */
import { toBase64url } from "../../core/base/bytes.ts";
import type { RandomSource } from "../../core/base/random.ts";
import type { WireValue } from "../../core/schema/fields/field_type.ts";
import { indexOfValue } from "../../core/schema/fields/table.ts";
import { type CollectedField, mostValues } from "../base/collection.ts";
import type { LocalDpReporter, Report } from "../base/types.ts";
import { type EncodedEvent, read, type ReportRecord, REPORTS, write } from "../storage/records.ts";
import type { Entries } from "../storage/storage.ts";
import type { Device, Period, Rotation } from "../tokens/device.ts";

/** Most fields that a device remembers: about others it reports nothing. */
const MAX_FIELDS = 256;
/** Instead of a record: nothing more about any field in the period in which the next log is bound, nor before it. */
const SILENCE = "silence";
/** The name of the record that {@linkcode SILENCE} becomes, which holds for every field. No field has it. */
const EVERY_FIELD = "";
/** Bytes of a mark. */
const MARK_LENGTH = 16;
/** What a field may change of itself without becoming another one. */
const IMMATERIAL: readonly string[] = ["description", "optional", "suppressed", "max-values"];

/** A field, and the encoded value that is to be reported about. */
export interface Question {
  readonly event: string;
  readonly name: string;
  readonly field: CollectedField;
  readonly value: WireValue;
}

/** The reports of a device as one transaction sees them. What is drawn counts once it is stored. */
export class Reports {
  /** The pseudonym under which they go, base64url; empty where none is collected. */
  readonly pseudonym: string;
  /** Unix seconds in which that begins; 0 where none is collected. */
  readonly begin: number;
  readonly #device: Device;
  readonly #rotation: Rotation;
  readonly #period: Period;
  #before: string | undefined;
  readonly #random: (purpose: string) => RandomSource;
  readonly #records: ReportRecord[];

  /** Reads what is stored. */
  constructor(entries: Entries, device: Device, rotation: Rotation) {
    this.#device = device;
    this.#rotation = rotation;
    const { from, until, pseudonym } = this.#period = device.period(entries, rotation);
    const isCollected = rotation.pseudonymSeconds !== undefined;
    this.pseudonym = isCollected ? pseudonym : "";
    this.begin = isCollected ? from : 0;
    this.#before = entries.get(REPORTS);
    this.#random = (purpose) => device.random(entries, purpose);
    const stored = read<(ReportRecord | typeof SILENCE)[]>(entries, REPORTS);
    const silent = { field: EVERY_FIELD, from: 0, until, mark: "", reports: {} };
    this.#records = (Array.isArray(stored) ? stored : [])
      .map((record) => record === SILENCE ? silent : record)
      // The period before this one stays: a clock may be set back at the turn.
      .filter((record) => record?.until > 2 * from - until);
  }

  /** Whether nobody has stored others since these were read, and the pseudonym is the same. */
  isCurrent(entries: Entries): boolean {
    return entries.get(REPORTS) === this.#before &&
      this.#device.period(entries, this.#rotation).pseudonym === this.#period.pseudonym;
  }

  /** Stores what was drawn, and until when the device is silent: only where a log is bound, its clock corrected. */
  store(entries: Entries): void {
    const text = JSON.stringify(this.#records);
    if (text === (this.#before ?? "[]")) return;
    entries.set(REPORTS, text);
    this.#before = text;
  }

  /**
   * The report about a value. Undefined where there is none in this period: about so many values the device has reported
   * already, or about the field under another pseudonym or another definition, and a second report would be independent
   * of the first.
   */
  draw({ event, name, field, value }: Question, reporter: LocalDpReporter): number | undefined {
    const { "local-dp": mechanism, ...plain } = field;
    if (mechanism === undefined) throw new RangeError("Cannot randomise: the field is sent as it is");
    const purpose = ["local dp", this.#period.pseudonym, event, name, definitionOf(field)].join("\0");
    const reports = this.#reportsOf(`${event}.${name}`, toBase64url(this.#random(purpose)(MARK_LENGTH)));
    const index = indexOfValue(field, value);
    const known = reports?.[index];
    if (reports === undefined || known !== undefined) return known;
    if (Object.keys(reports).length >= mostValues(mechanism)) return undefined;
    const random = this.#random(`${purpose}\0${index}`);
    return reports[index] = reporter({ ...plain, localDp: mechanism }, value, random);
  }

  /** By index, what was reported about a field under its mark; undefined when it was reported about under another. */
  #reportsOf(field: string, mark: string): Record<number, number> | undefined {
    const { from, until } = this.#period;
    // Periods overlap when their length has changed.
    const told = this.#records.filter((record) =>
      (record.field === field || record.field === EVERY_FIELD) && record.from < until && record.until > from
    );
    if (told.some((record) => record.mark !== mark)) return undefined;
    const [known] = told;
    if (known !== undefined) return known.reports;
    if (this.#records.length >= MAX_FIELDS) return undefined;
    const reports = {};
    this.#records.push({ field, from, until, mark, reports });
    return reports;
  }
}

/**
 * Has a device that forgot what it has reported report nothing more until the period is over. Which one that is shows
 * once a log is bound: the clock's correction was forgotten too, and comes with the first document.
 */
export function silence(entries: Entries): void {
  write(entries, REPORTS, [SILENCE]);
}

/** Tells how many optional fields events go without. */
export function reportLeftOut(report: Report, events: readonly EncodedEvent[]): void {
  const fields =
    events.flatMap(({ fields, logged }) => Object.keys(logged).filter((name) => !Object.hasOwn(fields, name)))
      .length;
  if (fields > 0) report("left_out", { fields, reason: "report_withheld" });
}

/** Whatever makes one value's report another one's: reports of two definitions are independent of each other. */
function definitionOf(field: CollectedField): string {
  return JSON.stringify(field, (name, value) => IMMATERIAL.includes(name) ? undefined : value);
}
