// Takes a new version of the Mini Program as soon as there is one: prices and rules are the server's, words are too.
App({
  onLaunch() {
    const updates = wx.getUpdateManager();
    updates.onUpdateReady(() => updates.applyUpdate());
  },
});
