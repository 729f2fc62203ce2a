// All that the server cannot say, because it was not reached or knows of no invite.
const WORDS = {
  en: { gone: "This link leads nowhere. Ask who sent it for a new one.", away: "No connection; trying again.", share: "Invite friends" },
  zh: { gone: "链接无效，请向分享的人索取新的链接。", away: "网络不通，正在重试。", share: "邀请好友" },
};

// The language that WeChat is set to, as BCP 47 has it: zh_CN is zh-CN.
function language() {
  return (wx.getAppBaseInfo().language || "en").replace("_", "-");
}

module.exports = { language, words: () => WORDS[language().slice(0, 2)] || WORDS.en };
