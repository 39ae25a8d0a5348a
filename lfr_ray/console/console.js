// The operator's page: who is deciding, what came, what is selected.

import { AlertList } from "./alert_list.js";
import { AlertView } from "./alert_view.js";
import { byId, problemText, words } from "./elements.js";
import { Link } from "./link.js";
import { SiteBar } from "./site_bar.js";

const LINK_TEXT = { live: "Live", lost: "Connecting again" };

const SITE_EVENT = /^(pause|resume|matching_|breaker_|comparisons_)/;

const link = new Link();
const list = new AlertList(link, select);
const view = new AlertView(link, changed, close);
const site = new SiteBar(link);
let needsToken = false;

link.onToken = () => {
  needsToken = true;
};

function signIn(fault = "") {
  const dialog = byId("sign-in");
  byId("officer-id").value = link.officer;
  byId("token-row").hidden = !needsToken;
  byId("token").required = needsToken;
  byId("token-fault").textContent = fault;
  if (!dialog.open) dialog.showModal();
  byId(link.officer && needsToken ? "token" : "officer-id").focus();
}

byId("sign-in").addEventListener("cancel", (event) => {
  if (!link.officer) event.preventDefault();
});

byId("sign-in").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  link.officer = byId("officer-id").value.trim();
  if (needsToken) link.token = byId("token").value.trim();
  byId("officer").textContent = link.officer;
  await begin();
});

byId("officer").addEventListener("click", () => signIn());

let begun = false;

async function begin() {
  needsToken = false;
  let after;
  try {
    after = await list.load();
  } catch (error) {
    if (needsToken) return signIn(byId("token").value ? "This token is not valid for this id." : "");
    if (error.status === 403) {
      needsToken = true;
      return signIn(problemText(error));
    }
    byId("link-text").textContent = problemText(error);
    return setTimeout(begin, 3000);
  }
  byId("sign-in").close();
  byId("officer").textContent = link.officer;
  if (begun) return undefined;
  begun = true;
  site.start();
  if (demoOfficer && !list.selected && list.first()) select(list.first());
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
    if (demoOfficer && !list.selected) select(alert.id);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && byId("desk").classList.contains("open") && !document.querySelector("dialog[open]")) close();
});

// A demo signs a newcomer in, and shows the first alert as soon as there is one.
const demoOfficer = document.querySelector("meta[name=demo-officer]").content;
if (demoOfficer) {
  link.officer ||= demoOfficer;
  byId("demo").hidden = false;
}

if (link.officer) begin();
else signIn();
