/** The client: an object for each service, with a function for each call. */

import { call, type Caller, type CallOptions, RetryTokens } from "./calling.js";
import { METHODS, type Notification, type Pricing, type Quotas, type TeamFormation } from "./generated/services.js";

/** Where the services answer, and with which key they are asked. */
export interface ClientOptions {
  /** A platform's key. It belongs on servers: a page or an app must not contain it. */
  key: string;
  /** Where each service's calls are posted to, as in "https://teams.shop.example". */
  urls: { teamFormation?: string; pricing?: string; notification?: string };
  /** What is used for fetch; the runtime's own where nothing is given. */
  fetch?: typeof fetch;
}

/** Calls the engine. */
export class Client {
  readonly teamFormation: TeamFormation;
  readonly pricing: Pricing;
  readonly notification: Notification;
  /** What the platform may do, as each service counts it. */
  readonly quotas: { readonly teamFormation: Quotas; readonly pricing: Quotas; readonly notification: Quotas };

  constructor({ key, urls, fetch: own = fetch }: ClientOptions) {
    const caller: Caller = { key, fetch: own, tokens: new RetryTokens() };
    this.teamFormation = service(caller, urls.teamFormation, "groupbuy.team_formation.v1.TeamFormation");
    this.pricing = service(caller, urls.pricing, "groupbuy.pricing.v1.Pricing");
    this.notification = service(caller, urls.notification, "groupbuy.notification.v1.Notification");
    const quotas = (url: string | undefined): Quotas => service(caller, url, "groupbuy.chassis.v1.Quotas");
    this.quotas = {
      teamFormation: quotas(urls.teamFormation),
      pricing: quotas(urls.pricing),
      notification: quotas(urls.notification),
    };
  }
}

/** Makes a request id. Keep it with what you do: after a crash the same id gives the same answer. */
export function newRequestId(): string {
  return crypto.randomUUID();
}

function service<Service>(caller: Caller, url: string | undefined, name: keyof typeof METHODS): Service {
  const calls = METHODS[name].map((method) => {
    const made = async (request: unknown, options?: CallOptions): Promise<unknown> => {
      if (url === undefined) throw new TypeError(`say in \`urls\` where ${name} answers`);
      return call(caller, url, name, method, request, options);
    };
    return [method.charAt(0).toLowerCase() + method.slice(1), made] as const;
  });
  return Object.fromEntries(calls) as Service;
}
