// Under which authority faces are compared: until when, why, where, who; the list; what may be expected of it.

import { duration, facts, h, moment, number, since } from "./elements.js";
import { Footfall, repeat } from "./looks.js";
import { closingCard, openingCard } from "./deployment_form.js";
import { loadMore, named, t } from "./text.js";

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
    if (link.who.roles.includes("supervisor") && !forms.childElementCount) {
      forms.append(openingCard(shell.cameras.map((camera) => camera.name)), ...site.deployments.filter((one) => one.authority).map((one) => closingCard(one.id)));
    }
  }, EVERY_MS, live);
  await look.first;
  return { close: () => look.close() };
}

const card = (title, ...children) => h("section", { class: "card", "aria-label": title }, h("h2", {}, title), ...children);

function authority(one) {
  const granted = one.authority;
  if (!granted) return card(one.id, h("p", {}, t("deployment.test")), facts([[t("deployment.state"), named("state", one.state)]]));
  const left_s = -since(granted.ends_at);
  return card(one.id,
    h("p", { class: left_s > 1800 ? "big" : "big late" }, left_s > 0 ? t("deployment.ends_in", { time: duration(left_s) }) : t("deployment.over")),
    facts([
      [t("deployment.state"), [named("state", one.kind), ", ", named("state", one.state)]],
      [t("deployment.time"), [moment(granted.starts_at, true), " – ", moment(granted.ends_at, true)]],
      [t("deployment.purpose"), granted.purpose],
      [t("deployment.basis"), granted.legal_basis],
      [t("deployment.why"), granted.why],
      granted.place && [t("deployment.where"), granted.place, `${named("case", granted.place_case)}: ${granted.place_rationale}`],
      [t("deployment.who"), granted.who.map((who) => named("category", who)).join(", ")],
      [t("deployment.cameras"), granted.cameras.join(", ")],
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
      ? h("button", { type: "button", onclick: () => shell.ask("resume") }, t("stop.resume"))
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
