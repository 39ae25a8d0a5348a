// Under which authority faces are compared: until when, why, where, who; the list; what may be expected of it.

import { card, duration, facts, h, moment, number, since } from "./dom_elements.js";
import { Footfall } from "./camera_rates.js";
import { repeat } from "./polling.js";
import { closingCard, openingCard, ownCard } from "./deployment_form.js";
import { loadMore, named, t } from "./translation.js";

const EVERY_MS = 5000;
const footfall = new Footfall(); // kept while the console is open, so that the rate is known sooner next time

export async function open(body, link, shell) {
  await Promise.all([loadMore("site"), shell.cameras.length || shell.refresh()]);
  const live = h("div", {});
  const forms = h("div", {});
  body.replaceChildren(live, forms);
  const look = repeat(async () => {
    const [site, listed, counts] = await Promise.all(["deployments", "watchlist", "counts"].map((name) => link.get(`/v1/${name}`)));
    const perHour = footfall.note(counts.cameras);
    live.replaceChildren(...site.deployments.map((one) => authority(one)), switches(site, shell), composition(listed), expected(listed, perHour));
    drawForms(forms, link, shell, site.deployments[0]);
  }, EVERY_MS, live);
  await look.first;
  return { close: () => look.close() };
}

// What may be done next. A form stays while it is filled in, and its answer until the next one takes its place.
function drawForms(forms, link, shell, one) {
  const may = (...roles) => roles.some((role) => link.who.roles.includes(role));
  if (!one || !may("supervisor", "administrator") || forms.dataset.due === `${one.id} ${one.due}`) return;
  const first = forms.dataset.due === undefined;
  forms.dataset.due = `${one.id} ${one.due}`;
  const done = () => shell.refresh();
  const next = {
    opening: () => (one.kind === "live" ? openingCard(link, shell.cameras.map((camera) => camera.name), done)
      : may("administrator") && one.kind !== "retrospective" ? ownCard(link, one.kind, done) : null),
    closing: () => closingCard(link, one.id, done),
    "": () => h("p", { class: "small", id: "no-opening" }, t("open.elsewhere")),
  }[one.due]();
  if (first) forms.replaceChildren();
  if (next) forms.append(next);
}

function authority(one) {
  const granted = one.authority;
  const why = one.due === "opening" ? "open.waits" : one.kind === "test" ? "deployment.test" : "open.nothing";
  if (!granted) return card(one.id, h("p", {}, t(why)), facts([[t("filter.state"), named("state", one.state)]]));
  const left_s = -since(granted.ends_at);
  return card(one.id,
    h("p", { class: left_s > 1800 ? "big" : "big late" }, left_s > 0 ? t("deployment.ends_in", { time: duration(left_s) }) : t("deployment.over")),
    facts([
      [t("filter.state"), [named("state", one.kind), ", ", named("state", one.state)]],
      [t("filter.since"), [moment(granted.starts_at, true), " – ", moment(granted.ends_at, true)]],
      [t("deployment.purpose"), granted.purpose],
      [t("open.legal_basis"), granted.legal_basis],
      [t("audit.reason"), granted.why],
      granted.place && [t("deployment.where"), granted.place, `${named("case", granted.place_case)}: ${granted.place_rationale}`],
      [t("open.who"), granted.who.map((who) => named("category", who)).join(", ")],
      [t("page.cameras"), granted.cameras.join(", ")],
      [t("deployment.by"), granted.authorised_by, granted.urgent ? t("deployment.urgent") : ""],
      [t("deployment.model"), one.model],
    ]));
}

function switches(site, shell) {
  const told = site.stop ? [h("b", { class: "bad" }, t("stop.stopped")), ` ${site.stop.reason} (${site.stop.by}, `, moment(site.stop.at), ")"] : [h("b", { class: "good" }, t("deployment.runs"))];
  return card(t("deployment.switches"),
    facts([
      [t("deployment.matching"), told],
      [t("deployment.breaker"), site.paused ? h("span", { class: "bad" }, site.paused) : h("span", { class: "good" }, t("deployment.closed")), t("deployment.breaker_note")],
    ]),
    h("div", { class: "actions" }, site.stop
      ? h("button", { type: "button", onclick: () => shell.ask("resume") }, t("resume.go"))
      : h("button", { type: "button", class: "stop", onclick: () => shell.ask("stop") }, t("stop.button"))));
}

export function composition(listed) {
  const categories = Object.entries(listed.categories || {}).sort(([, one], [, other]) => other - one);
  return card(t("watchlist.composition"),
    listed.fault ? h("p", { class: "bad" }, listed.fault) : null,
    facts([
      [t("watchlist.entries"), number(listed.entries), Number.isFinite(listed.images) ? t("watchlist.images", { count: number(listed.images) }) : ""],
      ...categories.map(([name, count]) => [named("category", name), number(count)]),
      listed.expired > 0 && [t("watchlist.expired"), number(listed.expired), t("watchlist.expired_note")],
      [t("watchlist.approved"), listed.approved ? h("span", { class: "good" }, t("yes")) : t("no")],
      listed.hash && [t("watchlist.hash"), h("span", { class: "mono" }, listed.hash.slice(0, 16))],
    ]));
}

function expected(listed, perHour) {
  const rate = listed.false_alerts_per_10k_faces;
  return card(t("expected.title"),
    h("p", { class: "small" }, t("expected.text")),
    facts([
      [t("expected.per_10k"), Number.isFinite(rate) ? h("b", {}, number(rate, 2)) : "–", Number.isFinite(rate) && rate > 0 ? t("expected.once", { faces: number(10_000 / rate) }) : ""],
      [t("expected.footfall"), perHour === null ? t("expected.measuring") : t("expected.faces", { count: number(perHour) })],
      [t("expected.per_hour"), perHour === null || !Number.isFinite(rate) ? "–" : h("b", {}, number(rate / 10_000 * perHour, 3))],
    ]));
}
