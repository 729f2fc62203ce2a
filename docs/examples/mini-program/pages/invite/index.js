// An invite: who invites, what it costs, who is in, and how long is left; kept true while it is looked at.
const config = require("../../config.js");
const { follow } = require("../../follow.js");
const { language, words } = require("../../words.js");

// The code of a link (?c=CODE), or of a Mini Program code, whose scene is "c=CODE" or the code alone.
function codeOf(options) {
  const scene = options.scene ? decodeURIComponent(options.scene) : "";
  const code = options.c || scene.replace(/^c=/, "");
  return /^[0-9A-Za-z]{12}$/.test(code) ? code : "";
}

function two(number) {
  return String(number).padStart(2, "0");
}

Page({
  data: { invite: null, gone: false, away: false, left: "", words: {} },

  onLoad(options) {
    this.code = codeOf(options);
    this.setData({ words: words() });
  },

  onShow() {
    if (!this.code) {
      this.setData({ gone: true });
      return;
    }
    this.stop = follow(`${config.base}/i/${this.code}.json?lang=${language()}`, {
      found: (invite, serverTime) => this.found(invite, serverTime),
      gone: () => this.setData({ gone: true, away: false, invite: null }),
      away: () => this.setData({ away: true }),
    });
    this.clock = setInterval(() => this.tick(), 1000);
  },

  onHide() {
    this.rest();
  },

  onUnload() {
    this.rest();
  },

  rest() {
    if (this.stop) this.stop();
    this.stop = null;
    clearInterval(this.clock);
  },

  found(invite, serverTime) {
    // countdowns go by the server's clock: a phone's may be wrong
    if (serverTime) this.offset = serverTime - Date.now();
    this.setData({ invite, gone: false, away: false });
    this.tick();
  },

  tick() {
    const { invite } = this.data;
    const isOpen = invite && (invite.state === "FORMING" || invite.state === "TIPPED");
    const milliseconds = isOpen ? Date.parse(invite.ends_at) - Date.now() - (this.offset || 0) : 0;
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const left = seconds ? `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}` : "";
    if (left !== this.data.left) this.setData({ left });
  },

  // Leads to the checkout with a hand-over token: minted for one press, good for 15 minutes, and never kept here.
  join(event) {
    const way = `/i/${this.code}${event.currentTarget.dataset.way}`;
    if (!config.checkoutPage) {
      wx.navigateTo({ url: `/pages/checkout/index?way=${encodeURIComponent(way)}` });
      return;
    }
    const task = wx.request({ url: config.base + way, redirect: "manual" });
    task.onHeadersReceived(({ header }) => {
      const token = /[?&]handover=([^&#]+)/.exec(header.Location || header.location || "");
      // without one nobody can join any more: what is shown says so in a moment
      if (token) wx.navigateTo({ url: `${config.checkoutPage}?handover=${token[1]}` });
    });
  },

  // The card stays in chats, so it says what stays true; WeChat shows the middle of a square picture, 5:4.
  onShareAppMessage() {
    const { invite } = this.data;
    if (!invite) return {};
    const said = [invite.disclosure, `${invite.inviter}: ${invite.title}`].filter(Boolean).join(" ");
    return { title: said, path: `/pages/invite/index?c=${this.code}`, imageUrl: invite.square };
  },
});
