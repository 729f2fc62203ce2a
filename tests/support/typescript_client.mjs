// Runs the compiled client: node typescript_client.mjs INDEX. A job comes as JSON on standard input, what came of it goes
// to standard output.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const groupbuy = await import(pathToFileURL(process.argv[2]));
const job = JSON.parse(readFileSync(0, "utf8"));

const outcome = (promise) =>
  promise.then(
    (answer) => ({ answer }),
    (error) => ({
      error: error.name,
      reason: error.reason,
      retry: error.retry,
      metadata: error.metadata,
      fields: error.fields,
      message: error.message,
      buyer: error.forBuyer?.("es"),
    }),
  );

const results = {
  webhooks: await Promise.all(
    (job.webhooks ?? []).map((post) =>
      outcome(groupbuy.verifyWebhook(post.headers, Buffer.from(post.body, "base64"), post.secret, post.now)),
    ),
  ),
  handovers: await Promise.all(
    (job.handovers ?? []).map((item) =>
      outcome(groupbuy.verifyHandover(item.token, item.jwks, item.issuer, item.platform_id, item.now)),
    ),
  ),
  calls: [],
};
for (const { service, method, request, options, key, urls } of job.calls ?? []) {
  const client = new groupbuy.Client({ key, urls });
  results.calls.push(await outcome(client[service][method](request, options)));
}
process.stdout.write(JSON.stringify(results));
