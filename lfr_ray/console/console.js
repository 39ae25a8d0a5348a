// The operator's page: who is deciding, what came, what is selected.

import { AlertList } from "./alert_list.js";
import { AlertView } from "./alert_view.js";
import { byId, problemText, words } from "./elements.js";
import { Link } from "./link.js";
import { drawPerson, signIn } from "./sign_in.js";
import { SiteBar } from "./site_bar.js";

const LINK_TEXT = { live: "Live", lost: "Connecting again" };

const SITE_EVENT = /^(pause|resume|matching_|breaker_|comparisons_)/;

const link = new Link();
const list = new AlertList(link, select);
const view = new AlertView(link, changed, close);
const site = new SiteBar(link);

link.onLost = () => location.reload(); // and sign in again

let begun = false;

async function begin() {
  let after;
  try {
    await signIn(link);
    drawPerson(link, byId("officer"));
    byId("demo").hidden = !link.who.test;
    after = await list.load();
  } catch (error) {
    byId("link-text").textContent = problemText(error);
    return setTimeout(begin, 3000);
  }
  if (begun) return undefined;
  begun = true;
  site.start();
  if (link.who.test && !list.selected && list.first()) select(list.first());
  return link.follow(after, happened, (state) => {
    byId("link").className = `link ${state}`;
    byId("link-text").textContent = LINK_TEXT[state];
  });
}

async function select(alertId) {
  list.select(alertId);
  byId("desk").classList.add("open");
  try {
    await view.open(alertId);
  } catch (error) {
    byId("news").textContent = problemText(error);
    if (error.status === 404) list.drop(alertId);
  }
}

function close() {
  view.close();
  list.select("");
  byId("desk").classList.remove("open");
}

function changed(alert) {
  list.put(alert);
  view.update(alert);
}

async function happened(event) {
  if (SITE_EVENT.test(event.kind)) site.refresh();
  if (event.kind === "erasure") {
    list.drop(event.alert_id);
    if (view.id === event.alert_id) close();
    return;
  }
  const alert = await link.alertOf(event);
  if (!alert) return;
  const unknown = list.put(alert);
  view.update(alert);
  if (event.kind === "alert_raised" && unknown) {
    byId("news").textContent = `New possible match at ${alert.camera}, category ${words(alert.category)}`;
    if (link.who.test && !list.selected) select(alert.id);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && byId("desk").classList.contains("open") && !document.querySelector("dialog[open]")) close();
});

begin();
