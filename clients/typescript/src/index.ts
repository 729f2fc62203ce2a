/** Calls the group-buying engine as JSON over HTTP, and checks its webhooks and hand-over tokens. */

export type { CallOptions } from "./calling.js";
export { Client, type ClientOptions, newRequestId } from "./client.js";
export type * as chassis from "./generated/chassis.js";
export type * as money from "./generated/money.js";
export type * as notification from "./generated/notification.js";
export { POLICY } from "./generated/policy.js";
export type * as pricing from "./generated/pricing.js";
export { type ReasonName, REASONS } from "./generated/reasons.js";
export type * from "./generated/scalars.js";
export type { Notification, Pricing, Quotas, TeamFormation } from "./generated/services.js";
export type * as teamFormation from "./generated/team_formation.js";
export { type Handover, HandoverError, verifyHandover, type Why } from "./handover.js";
export { Refused, type Retry, Unanswered } from "./refusals.js";
export { type GivenHeaders, TOLERANCE_SECONDS, verifyWebhook, WebhookError, type WebhookEvent } from "./webhooks.js";
