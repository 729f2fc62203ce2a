/** One call: posted as JSON, with the policy's deadline, and sent again as it says. */

import { POLICY } from "./generated/policy.js";
import { refusalIn, Unanswered } from "./refusals.js";

/** What a single call may have of its own. */
export interface CallOptions {
  /** Milliseconds for all attempts together; the policy's where nothing is given. */
  timeoutMs?: number;
  /** Gives the call up. */
  signal?: AbortSignal;
}

/** What every call needs. */
export interface Caller {
  key: string;
  fetch: typeof fetch;
  tokens: RetryTokens;
}

interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialBackoff: string;
  readonly maxBackoff: string;
  readonly backoffMultiplier: number;
  readonly retryableStatusCodes: readonly string[];
}

interface Rule {
  readonly name: readonly { readonly service: string; readonly method?: string }[];
  readonly timeout?: string;
  readonly retryPolicy?: RetryPolicy;
}

const RULES: readonly Rule[] = POLICY.methodConfig;
/** What a proxy in between may answer where the engine cannot be reached. */
const UNREACHED = new Set([502, 503, 504]);
const UNAVAILABLE = 14;
const LONGEST_TIMEOUT = "30s";

/** Sends fewer again the more fail: every failure costs a token, every success gives a part of one back. */
export class RetryTokens {
  #left: number = POLICY.retryThrottling.maxTokens;

  failed(): boolean {
    this.#left = Math.max(0, this.#left - 1);
    return this.#left > POLICY.retryThrottling.maxTokens / 2;
  }

  succeeded(): void {
    this.#left = Math.min(POLICY.retryThrottling.maxTokens, this.#left + POLICY.retryThrottling.tokenRatio);
  }
}

/** Calls a method; Refused where the engine says no, Unanswered where it says nothing. */
export async function call(
  caller: Caller,
  base: string,
  service: string,
  method: string,
  request: unknown,
  options: CallOptions = {},
): Promise<unknown> {
  const rule = ruleOf(service, method);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? milliseconds(rule.timeout ?? LONGEST_TIMEOUT));
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  const url = `${base.replace(/\/$/, "")}/${service}/${method}`;
  const body = JSON.stringify(request); // once: what is sent again is the very same
  for (let attempt = 1; ; attempt += 1) {
    const { answer, failure, after } = await attempted(caller, url, body, signal);
    if (failure === undefined) {
      caller.tokens.succeeded();
      return answer;
    }
    const again = isPassing(failure) && rule.retryPolicy && caller.tokens.failed();
    if (!again || attempt >= rule.retryPolicy.maxAttempts || signal.aborted) throw failure;
    if (!(await waited(after ?? backoff(rule.retryPolicy, attempt), signal))) throw failure;
  }
}

interface Outcome {
  answer?: unknown;
  failure?: Error;
  /** Milliseconds to wait before the next attempt, where the answer says so. */
  after?: number;
}

async function attempted(caller: Caller, url: string, body: string, signal: AbortSignal): Promise<Outcome> {
  const headers = { authorization: `Bearer ${caller.key}`, "content-type": "application/json" };
  const { fetch: send } = caller;
  try {
    const response = await send(url, { method: "POST", headers, body, signal, redirect: "error" });
    const said = await response.text();
    if (response.ok) return { answer: JSON.parse(said) };
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const failure = refusalIn(parsed(said)) ?? new Unanswered(`HTTP status ${response.status}`, { cause: response.status });
    return Number.isFinite(seconds) ? { failure, after: seconds * 1000 } : { failure };
  } catch (error) {
    return { failure: new Unanswered(signal.aborted ? "there was no answer in time" : "no connection", { cause: error }) };
  }
}

/** Tells whether the same call may succeed later: the engine says so, or nobody answered. */
function isPassing(failure: Error): boolean {
  if (failure instanceof Unanswered) return typeof failure.cause !== "number" || UNREACHED.has(failure.cause);
  return "code" in failure && failure.code === UNAVAILABLE;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ruleOf(service: string, method: string): Rule {
  const rule =
    RULES.find((item) => item.name.some((name) => name.service === service && name.method === method)) ??
    RULES.find((item) => item.name.some((name) => name.service === service && name.method === undefined));
  if (!rule) throw new TypeError(`${service} has no rule`);
  return rule;
}

function backoff(policy: RetryPolicy, attempt: number): number {
  const longest = milliseconds(policy.initialBackoff) * policy.backoffMultiplier ** (attempt - 1);
  return Math.random() * Math.min(longest, milliseconds(policy.maxBackoff));
}

/** Waits, unless the call is given up meanwhile. */
function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((done) => {
    const givenUp = () => {
      clearTimeout(timer);
      done(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", givenUp);
      done(true);
    }, ms);
    signal.addEventListener("abort", givenUp, { once: true });
  });
}

function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * 1000;
}
