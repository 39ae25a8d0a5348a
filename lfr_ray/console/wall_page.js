// For a screen that a whole room sees: what waits, for how long, and which cameras are blind. Nothing to press.

import { duration, h, moment, since } from "./dom_elements.js";
import { claimText } from "./alert_claim.js";
import { Pictures } from "./alert_thumbnails.js";
import { named, t } from "./translation.js";

const MOST = 6;

export async function open(body, link, shell) {
  const pictures = new Pictures(link);
  const list = shell.alerts.list;
  const clock = h("b", {});
  const waiting = h("b", {});
  const oldest = h("b", {});
  const cards = h("ul", { class: "wall-alerts" });
  const nothing = h("p", { class: "nothing" }, t("wall.nothing"));
  body.className = "wall";
  body.replaceChildren(h("div", { class: "wall-numbers" },
    h("p", { class: "waiting" }, waiting, t("wall.waiting")), h("p", {}, oldest, t("wall.oldest")), h("p", {}, clock, t("wall.now"))), cards, nothing);

  function draw() {
    const shown = [...list.ordered("open"), ...list.ordered("second")].slice(0, MOST);
    cards.replaceChildren(...shown.map((alert) => h("li", { "data-priority": list.priority(alert) },
      h("div", { class: "pair" }, pictures.thumb(alert.images.face), pictures.thumb(alert.images.watchlist)),
      h("b", {}, alert.name || alert.entry_id),
      h("p", {}, alert.action ? named("action", alert.action) : named("category", alert.category)),
      h("p", {}, alert.camera, " · ", moment(alert.captured_at)),
      alert.claim ? h("p", {}, claimText(alert, link.officer)) : null,
      h("p", { class: "age", "data-since": alert.raised_at }))));
    pictures.keep(new Set(shown.flatMap((alert) => [alert.images.face, alert.images.watchlist])));
    nothing.hidden = shown.length > 0;
    tick();
  }

  function tick() {
    const ages = [...cards.querySelectorAll("[data-since]")];
    for (const age of ages) age.textContent = duration(since(age.dataset.since));
    clock.textContent = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    waiting.textContent = list.waiting;
    const all = [...list.ordered("open"), ...list.ordered("second")].map((alert) => since(alert.raised_at));
    oldest.textContent = all.length ? duration(Math.max(...all)) : "–";
  }

  draw();
  const timer = setInterval(tick, 1000);
  return { happened: draw, close() { clearInterval(timer); pictures.keep(new Set()); } };
}
