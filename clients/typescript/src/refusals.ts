/** What a call was refused with, and what it means that there was no answer. */

import { REASONS, type ReasonName } from "./generated/reasons.js";

/** What can be done: nothing; mend it and take a new request id; send the very same again; wait until the state changed. */
export type Retry = "never" | "new_id" | "same_id" | "after";

interface Detail {
  "@type"?: string;
  reason?: string;
  domain?: string;
  metadata?: Record<string, string>;
  fieldViolations?: { field?: string; description?: string }[];
}

/** A google.rpc.Status as JSON. */
export interface Status {
  code: number;
  message?: string;
  details?: Detail[];
}

/** The engine refused a call. Its reason never changes its meaning; the message is for developers and may. */
export class Refused extends Error {
  override name = "Refused";
  /** One of these, or the word of a newer release than this package. */
  readonly reason: ReasonName | (string & {});
  readonly retry: Retry;
  /** What belongs to the reason, as docs/refusals.md lists it. */
  readonly metadata: Record<string, string>;
  /** What is wrong with each field at fault. */
  readonly fields: Record<string, string>;
  /** The number of the google.rpc.Code. */
  readonly code: number;

  constructor(status: Status) {
    const { reason = "", metadata = {} } = info(status) ?? {};
    super(`${reason}: ${status.message ?? ""}`);
    const { retry, ...rest } = metadata;
    const violations = (status.details ?? []).flatMap((detail) => detail.fieldViolations ?? []);
    this.reason = reason;
    this.retry = retry as Retry;
    this.metadata = rest;
    this.fields = Object.fromEntries(violations.map(({ field = "", description = "" }) => [field, description]));
    this.code = status.code;
  }

  /** Says it to a buyer, in English where the language is not there; undefined where it is not for a buyer. */
  forBuyer(language: string): string | undefined {
    const known = this.reason in REASONS ? REASONS[this.reason as ReasonName] : undefined;
    const sentences: Record<string, string> = known?.buyer ?? {};
    const sentence = sentences[language] ?? sentences["en"];
    const names = [...(sentence ?? "").matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
    if (sentence === undefined || !names.every((name) => name in this.metadata)) return undefined;
    return sentence.replace(/\{(\w+)\}/g, (_, name: string) => this.metadata[name] as string);
  }
}

/** There was no answer in time, or none of the engine's: whether the call was carried out is not known. Ask again. */
export class Unanswered extends Error {
  override name = "Unanswered";
}

/** Reads an answer's body as a refusal of the engine; undefined where it is none. */
export function refusalIn(body: unknown): Refused | undefined {
  const status = body as Status | null;
  return typeof status?.code === "number" && info(status) ? new Refused(status) : undefined;
}

function info(status: Status): Detail | undefined {
  if (!Array.isArray(status.details)) return undefined;
  return status.details.find((detail) => detail?.domain === "groupbuy" && typeof detail.reason === "string");
}
