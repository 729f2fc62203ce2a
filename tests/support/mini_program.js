// Runs a Mini Program's JavaScript in Node: `wx`, `App` and `Page` as WeChat documents them, as far as examples use them.
// Commands come as lines of JSON on standard input; what happens leaves as lines of JSON on standard output.
//
// Sources: https://developers.weixin.qq.com/miniprogram/dev/api/network/request/wx.request.html (success with any status,
// fail only without an answer; redirect "manual" ends with onHeadersReceived), .../RequestTask.html;
// https://developers.weixin.qq.com/miniprogram/dev/reference/api/Page.html (setData, life cycle, onShareAppMessage);
// .../api/base/update/wx.getUpdateManager.html; .../api/base/system/wx.getAppBaseInfo.html; .../api/route/wx.navigateTo.html.
"use strict";
const http = require("node:http");
const path = require("node:path");
const readline = require("node:readline");

const [folder, base, settings] = process.argv.slice(2);
const { language, ahead, ...config } = JSON.parse(settings);
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const copy = (value) => JSON.parse(JSON.stringify(value));

// a phone whose clock is wrong by so many milliseconds
const now = Date.now;
Date.now = () => now() + (ahead || 0);

function request(options) {
  const { url, method = "GET", header = {}, timeout = 60000, dataType = "json", redirect = "follow" } = options;
  if (!url.startsWith(`${base}/`)) throw new Error(`not among the request domains: ${url}`);
  say({ requested: url.slice(base.length) });
  const listeners = [];
  let over = false;
  const end = (name, result) => {
    if (over) return;
    over = true;
    if (options[name]) options[name](result);
    if (options.complete) options.complete(result);
  };
  const fail = (why) => end("fail", { errMsg: `request:fail ${why}`, errno: 600001 });
  const call = http.request(url, { method, headers: header, agent: false }, (answer) => {
    const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase()), String(value)]));
    listeners.forEach((listener) => listener({ header: headers, statusCode: answer.statusCode, cookies: [] }));
    const moved = answer.statusCode >= 300 && answer.statusCode < 400;
    if (moved) {
      call.destroy();
      say({ redirected: headers.Location });
      // where it is not intercepted the app would follow; no example counts on that
      if (redirect === "manual") over = true;
      else fail("this stand-in follows no redirects");
      return;
    }
    const chunks = [];
    answer.on("data", (chunk) => chunks.push(chunk));
    answer.on("aborted", () => fail("the connection was cut"));
    answer.on("end", () => {
      let data = Buffer.concat(chunks).toString();
      if (dataType === "json") {
        try { data = JSON.parse(data); } catch (error) { /* it stays text */ }
      }
      end("success", { data, statusCode: answer.statusCode, header: headers, cookies: [], errMsg: "request:ok" });
    });
  });
  const timer = setTimeout(() => { fail("timeout"); call.destroy(); }, timeout);
  call.on("close", () => clearTimeout(timer));
  call.on("error", (error) => fail(error.code || error.message));
  call.end();
  return {
    abort() {
      if (over) return;
      say({ aborted: url.slice(base.length) });
      // as documented, it fails then; the app tells a moment later
      setImmediate(() => { fail("abort"); call.destroy(); });
    },
    onHeadersReceived: (listener) => listeners.push(listener),
    offHeadersReceived: (listener) => listeners.splice(listeners.indexOf(listener), 1),
  };
}

const updates = { onUpdateReady: (then) => { updates.ready = then; }, onCheckForUpdate() {}, onUpdateFailed() {}, applyUpdate: () => say({ applied: true }) };

global.wx = {
  request,
  getUpdateManager: () => updates,
  getAppBaseInfo: () => ({ language, SDKVersion: "3.2.2" }),
  navigateTo: ({ url }) => say({ navigated: url }),
};
global.App = (options) => { if (options.onLaunch) options.onLaunch({ path: "", query: {} }); };

const definitions = {};
let loading = "";
global.Page = (options) => { definitions[loading] = options; };

class Instance {
  constructor(options) {
    Object.assign(this, options);
    this.data = copy(options.data || {});
  }

  setData(changes, then) {
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) throw new Error(`setData: ${key} is undefined`);
      const way = key.replace(/\[(\d+)\]/g, ".$1").split(".");
      const last = way.pop();
      way.reduce((place, part) => place[part], this.data)[last] = copy(value);
    }
    if (JSON.stringify(changes).length > 1024 * 1024) throw new Error("setData: more than 1 MB");
    say({ data: this.data });
    if (then) setImmediate(then);
  }
}

const app = require(path.join(folder, "app.json"));
Object.assign(require(path.join(folder, "config.js")), { base, ...config });
require(path.join(folder, "app.js"));
for (const page of app.pages) {
  loading = page;
  require(path.join(folder, `${page}.js`));
}
say({ pages: Object.fromEntries(Object.entries(definitions).map(([name, options]) => [name, Object.keys(options)])) });

let instance = null;
const commands = {
  load({ page, options }) { instance = new Instance(definitions[page]); instance.onLoad(options); },
  call({ name, given }) { say({ answered: copy((instance && instance[name] ? instance[name](given) : null) ?? null) }); },
  update() { updates.ready(); },
  end() { process.stdin.destroy(); },
};
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { command, ...rest } = JSON.parse(line);
  commands[command](rest);
});
