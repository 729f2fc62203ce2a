// Follows what an invite says, by long polls: each asks for what is newer than the version that is shown, and is answered
// when there is something, or after 25 seconds.
const POLL = 40000; // longer than the server waits, in milliseconds
const FIRST = 1000;
const LONGEST = 60000;
const ENDED = ["FORMED", "FAILED", "CANCELLED"];

function header(answer, name) {
  const found = Object.keys(answer.header || {}).find((key) => key.toLowerCase() === name);
  return found ? answer.header[found] : "";
}

// Calls found(invite, serverTime) with each state, gone() where the link leads nowhere, away() while nobody answers.
// Returns what stops it; nothing is called after that.
function follow(url, { found, gone, away }) {
  let version = "";
  let failures = 0;
  let task = null;
  let timer = null;
  let stopped = false;

  function later(seconds) {
    failures += 1;
    const wait = Math.min(LONGEST, FIRST * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
    timer = setTimeout(ask, Math.max(wait, Math.min(LONGEST, seconds * 1000 || 0)));
  }

  function take(answer, asked) {
    if (answer.statusCode === 404) {
      gone();
      return;
    }
    if (answer.statusCode !== 200 || !answer.data.version) {
      away();
      later(Number(header(answer, "retry-after")));
      return;
    }
    const invite = answer.data;
    const isNews = invite.version !== version;
    version = invite.version;
    failures = 0;
    found(invite, Date.parse(header(answer, "date")));
    if (ENDED.includes(invite.state)) return;
    // an answer without news that came at once did not wait: somebody between does not let it
    timer = setTimeout(ask, isNews || Date.now() - asked > FIRST ? 0 : FIRST);
  }

  function ask() {
    const asked = Date.now();
    task = wx.request({
      url: version ? `${url}&after=${encodeURIComponent(version)}` : url,
      timeout: POLL,
      success: (answer) => { if (!stopped) take(answer, asked); },
      fail: () => {
        if (stopped) return;
        away();
        later(0);
      },
    });
  }

  ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
    task.abort();
  };
}

module.exports = { follow };
