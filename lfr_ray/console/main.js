// The console: texts, who is deciding, the live stream, and the page that the address names.

import { AlertsPage } from "./alerts_page.js";
import { byId, problemText } from "./elements.js";
import { Link } from "./link.js";
import { Router } from "./router.js";
import { Shell } from "./shell.js";
import { SignIn } from "./sign_in.js";
import { Sound } from "./sound.js";
import { loadTexts } from "./text.js";

const SITE_EVENT = /^(pause|resume|matching_|breaker_|comparisons_)/;

await loadTexts();

const link = new Link();
const sound = new Sound(byId("sound"));
const demoOfficer = document.querySelector("meta[name=demo-officer]").content;
const router = new Router(link, (alertId) => alerts.select(alertId));
const alerts = new AlertsPage(link, sound, router, demoOfficer);
const shell = new Shell(link, alerts);
router.shell = shell;
const signIn = new SignIn(link, begin);

let begun = false;

async function begin() {
  let after;
  try {
    after = await alerts.load();
  } catch (error) {
    if (signIn.refused(error)) return undefined;
    shell.linkState("lost", problemText(error));
    return setTimeout(begin, 3000);
  }
  signIn.done();
  if (begun) return undefined;
  begun = true;
  shell.start();
  router.start();
  return link.follow(after, async (happened) => {
    if (SITE_EVENT.test(happened.kind)) shell.refresh();
    await alerts.happened(happened);
    router.happened(happened);
  }, (state) => {
    shell.linkState(state);
    if (state === "live") shell.refresh();
  });
}

// A demo signs a newcomer in, and shows the first alert as soon as there is one.
if (demoOfficer) {
  link.officer ||= demoOfficer;
  byId("demo").hidden = false;
}
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/console/service_worker.js", { scope: "/" }).catch(() => {});

if (link.officer) begin();
else signIn.ask();
