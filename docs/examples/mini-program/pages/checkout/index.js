// The shop's checkout where it is a web page. Our address sends it there with a hand-over token.
const config = require("../../config.js");

Page({
  data: { url: "" },

  onLoad(options) {
    const way = decodeURIComponent(options.way || "");
    if (way.startsWith("/")) this.setData({ url: config.base + way });
  },
});
