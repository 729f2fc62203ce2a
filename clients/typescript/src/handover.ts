/** Checks hand-over tokens, with which an invite page sends a buyer to a checkout, by the published keys alone. */

import { bytesOf, fromBase64Url, textOf } from "./bytes.js";

const TYPE = "groupbuy-handover+jwt";
const ALGORITHM = "EdDSA";
const MOST_CHARACTERS = 2_048;
/** How far two machines' clocks may be apart. */
const LEEWAY_SECONDS = 60;

/** What VerifyHandover would refuse a token with, or that its key is not in the key set. */
export type Why = "HANDOVER_INVALID" | "HANDOVER_EXPIRED" | "KEY_NOT_FOUND";

/**
 * A token that is no good: send the buyer back to the invite link. Where `reason` is KEY_NOT_FOUND, read the key set
 * again, once a minute at most, and try once more.
 */
export class HandoverError extends Error {
  override name = "HandoverError";

  constructor(
    readonly reason: Why,
    why: string,
  ) {
    super(why);
  }
}

/** Where a buyer comes from. It is no credential and says nothing of the person. */
export interface Handover {
  /** Use it as the request id of joinTeam or openTeam: then the same token twice takes no second seat. */
  tokenId: string;
  campaignId: string;
  teamId: string;
  inviteCode: string;
  sku: string;
  returnUrl: string;
  /** Seconds since 1970, as expiresAt. */
  issuedAt: number;
  expiresAt: number;
}

type Claims = Record<string, unknown>;

/**
 * Checks a token that came to your checkout; HandoverError where it is no good.
 *
 * `jwks` is the text of /.well-known/jwks.json below the public address, which is the `issuer`. `now` are seconds since
 * 1970, by this machine's clock where nothing is given.
 */
export async function verifyHandover(
  token: string,
  jwks: string,
  issuer: string,
  platformId: string,
  now: number = Date.now() / 1000,
): Promise<Handover> {
  const claims = await signed(token, jwks);
  if (claims["iss"] !== issuer || claims["aud"] !== platformId) throw invalid("it was not signed there for this platform");
  const found = handoverOf(claims);
  if (found.issuedAt > now + LEEWAY_SECONDS) throw invalid("it was issued in the future");
  if (found.expiresAt <= now - LEEWAY_SECONDS) throw new HandoverError("HANDOVER_EXPIRED", "it has expired");
  return found;
}

/** Reads the claims of a token that is signed by one of the keys; the algorithm is said here, never by the token. */
async function signed(token: string, jwks: string): Promise<Claims> {
  const parts = token.length <= MOST_CHARACTERS ? token.split(".") : [];
  const [head, body, signature] = parts.length === 3 ? parts.map(fromBase64Url) : [];
  const header = head && claimsOf(head);
  if (!header || !body || !signature || header["typ"] !== TYPE) throw invalid("it is no hand-over token");
  const raw = publicKey(jwks, header["kid"]);
  if (!raw) throw new HandoverError("KEY_NOT_FOUND", "its key is not in this key set");
  if (header["alg"] !== ALGORITHM) throw invalid("it was not signed there for this platform");
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const said = bytesOf(token.slice(0, token.lastIndexOf(".")));
  if (!(await crypto.subtle.verify("Ed25519", key, signature, said))) {
    throw invalid("it was not signed there for this platform");
  }
  const claims = claimsOf(body);
  if (!claims) throw invalid("it does not say what a hand-over says");
  return claims;
}

function publicKey(jwks: string, id: unknown): Uint8Array<ArrayBuffer> | undefined {
  const { keys } = JSON.parse(jwks) as { keys: Record<string, unknown>[] };
  const found = keys.find((key) => key["kid"] === id && key["kty"] === "OKP" && key["crv"] === "Ed25519");
  return typeof found?.["x"] === "string" ? fromBase64Url(found["x"]) : undefined;
}

function claimsOf(raw: Uint8Array): Claims | undefined {
  try {
    const said: unknown = JSON.parse(textOf(raw));
    return typeof said === "object" && said !== null && !Array.isArray(said) ? (said as Claims) : undefined;
  } catch {
    return undefined;
  }
}

function handoverOf(claims: Claims): Handover {
  return {
    tokenId: text(claims, "jti"),
    campaignId: text(claims, "campaign_id"),
    teamId: text(claims, "team_id"),
    inviteCode: text(claims, "invite_code"),
    sku: text(claims, "sku"),
    returnUrl: text(claims, "return_url"),
    issuedAt: time(claims, "iat"),
    expiresAt: time(claims, "exp"),
  };
}

function text(claims: Claims, name: string): string {
  const value = claims[name];
  if (typeof value !== "string") throw invalid("it does not say what a hand-over says");
  return value;
}

function time(claims: Claims, name: string): number {
  const value = claims[name];
  if (!Number.isSafeInteger(value)) throw invalid("it does not say what a hand-over says");
  return value as number;
}

function invalid(why: string): HandoverError {
  return new HandoverError("HANDOVER_INVALID", why);
}
