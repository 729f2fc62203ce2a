/**
 * Checks what the engine posts to a webhook endpoint, as the Standard Webhooks specification says (symmetric, v1).
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

import { bytesOf, fromBase64, joined, textOf } from "./bytes.js";

/** How old a post may be, or how far ahead of this machine's clock: an older one somebody may have kept. */
export const TOLERANCE_SECONDS = 300;

const PREFIX = "whsec_";
const VERSION = "v1,";
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** A post that must not be believed: answer it with 400, and do nothing else with it. */
export class WebhookError extends Error {
  override name = "WebhookError";
}

/** One event. Keep the ids you have seen: an event may be posted again, under the same id. */
export interface WebhookEvent {
  eventId: string;
  /** As in "team.seat_confirmed": docs/events.md has every type. */
  type: string;
  timestamp: string;
  data: unknown;
}

/** Headers as fetch has them, or as a server of Node has them. */
export type GivenHeaders = Headers | Record<string, string | string[] | undefined>;

/**
 * Checks a post by its headers and its body, as they came; WebhookError where it is no good.
 *
 * `now` are seconds since 1970, by this machine's clock where nothing is given.
 */
export async function verifyWebhook(
  headers: GivenHeaders,
  body: Uint8Array | string,
  secret: string,
  now: number = Date.now() / 1000,
): Promise<WebhookEvent> {
  const raw = typeof body === "string" ? bytesOf(body) : body;
  const [eventId, sentAt, signatures] = ["id", "timestamp", "signature"].map((name) => header(headers, `webhook-${name}`)) as [
    string,
    string,
    string,
  ];
  if (!/^[0-9]{1,15}$/.test(sentAt)) throw new WebhookError("webhook-timestamp is no number of seconds");
  if (Math.abs(now - Number(sentAt)) > TOLERANCE_SECONDS) {
    throw new WebhookError("it was sent too long ago, or the clocks are apart");
  }
  const key = await keyOf(secret);
  const content = joined(bytesOf(`${eventId}.${sentAt}.`), raw);
  if (!(await isSigned(key, signatures, content))) throw new WebhookError("no signature is by this secret");
  return eventOf(eventId, raw);
}

async function isSigned(key: CryptoKey, signatures: string, content: Uint8Array<ArrayBuffer>): Promise<boolean> {
  for (const item of signatures.split(" ")) {
    const signature = item.startsWith(VERSION) ? fromBase64(item.slice(VERSION.length)) : undefined;
    // it compares in a time that tells nothing
    if (signature && (await crypto.subtle.verify(HMAC, key, signature, content))) return true;
  }
  return false;
}

async function keyOf(secret: string): Promise<CryptoKey> {
  const raw = secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : undefined;
  if (!raw || raw.length === 0) {
    throw new WebhookError('the secret must be "whsec_" and base64: an empty one would let anybody in');
  }
  return crypto.subtle.importKey("raw", raw, HMAC, false, ["verify"]);
}

function header(headers: GivenHeaders, name: string): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  if (typeof found !== "string") throw new WebhookError(`the header ${name} is missing`);
  return found;
}

function eventOf(eventId: string, body: Uint8Array): WebhookEvent {
  let said: unknown;
  try {
    said = JSON.parse(textOf(body));
  } catch {
    throw new WebhookError("its body is no event");
  }
  const { type, timestamp, data } = (said ?? {}) as Record<string, unknown>;
  if (typeof type !== "string" || typeof timestamp !== "string") throw new WebhookError("its body is no event");
  return { eventId, type, timestamp, data };
}
