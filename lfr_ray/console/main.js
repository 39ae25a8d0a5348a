// The console: texts, who is deciding, the live stream, and the page that the address names.

import { AlertsPage } from "./alerts_page.js";
import { byId, problemText } from "./dom_elements.js";
import { Guide } from "./first_steps.js";
import { Link } from "./server_link.js";
import { Router } from "./router.js";
import { Shell } from "./top_bar.js";
import { drawPerson, signIn } from "./sign_in.js";
import { Sound } from "./alert_sound.js";
import { loadTexts } from "./translation.js";

const SITE_EVENT = /^(pause|resume|matching_|breaker_|comparisons_)/;

await loadTexts();

const link = new Link();
const sound = new Sound(byId("sound"));
const router = new Router(link, (alertId) => alerts.select(alertId));
const alerts = new AlertsPage(link, sound, router);
const shell = new Shell(link, alerts);
router.shell = shell;
link.onLost = () => window.location.reload(); // and sign in again

let begun = false;

async function begin() {
  let after;
  try {
    await signIn(link);
    drawPerson(link, byId("officer"));
    byId("demo").hidden = !link.who.test;
    if (link.sees) after = await alerts.list.load();
  } catch (error) {
    shell.linkState("lost", problemText(error));
    return setTimeout(begin, 3000);
  }
  if (begun) return undefined;
  begun = true;
  const guide = new Guide(link, shell, alerts);
  if (link.sees) shell.watchers.add(() => guide.look());
  shell.start();
  router.show();
  if (!link.sees) return undefined; // an administrator looks after the site and sees no alert
  return link.follow(after, async (happened) => {
    if (SITE_EVENT.test(happened.kind)) shell.refresh();
    await alerts.happened(happened);
    router.happened(happened);
  }, (state) => {
    shell.linkState(state);
    if (state === "live") shell.refresh();
  });
}

if ("serviceWorker" in navigator) navigator.serviceWorker.register("/console/service_worker.js", { scope: "/" }).catch(() => {});

begin();
