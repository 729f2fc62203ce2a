// What is yours to set.
module.exports = {
  // What invite links begin with (GROUPBUY_PUBLIC_URL). Its host has to be among the Mini Program's request domains.
  base: "https://buy.example",
  // Your own checkout page in this Mini Program, for instance "/pages/order/index": it is opened with ?handover=TOKEN.
  // Empty: the shop's checkout is a web page, which is opened in a web-view.
  checkoutPage: "",
};
