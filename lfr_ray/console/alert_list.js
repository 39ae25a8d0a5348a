// The list on the left: newest first, live, one button an alert.

import { byId, capital, duration, h, moment, words } from "./elements.js";

const PAGE = 50;

export class AlertList {
  constructor(link, onSelect) {
    this.link = link;
    this.onSelect = onSelect;
    this.alerts = new Map();
    this.selected = "";
    this.cursor = null;
    this.fresh = new Set();
    byId("filter").addEventListener("change", () => this.draw());
    byId("more").addEventListener("click", () => this.loadOlder());
    byId("alerts").addEventListener("keydown", (event) => this.move(event));
    setInterval(() => this.tick(), 1000);
  }

  async load() {
    const page = await this.link.get(`/v1/alerts?limit=${PAGE}`);
    for (const alert of page.alerts) this.alerts.set(alert.id, alert);
    this.cursor = page.next_cursor;
    this.draw();
    return page.event_id;
  }

  async loadOlder() {
    const page = await this.link.get(`/v1/alerts?limit=${PAGE}&cursor=${encodeURIComponent(this.cursor)}`);
    for (const alert of page.alerts) this.alerts.set(alert.id, alert);
    this.cursor = page.next_cursor;
    this.draw();
  }

  // Returns true for an alert that was not there before.
  put(alert) {
    const unknown = !this.alerts.has(alert.id);
    this.alerts.set(alert.id, alert);
    if (unknown) this.fresh.add(alert.id);
    this.draw();
    return unknown;
  }

  drop(alertId) {
    this.alerts.delete(alertId);
    this.draw();
  }

  select(alertId) {
    this.selected = alertId;
    this.draw();
  }

  get waiting() {
    return [...this.alerts.values()].filter((alert) => alert.status === "new").length;
  }

  // The oldest alert that is still to be decided; without one, any.
  first() {
    const oldest = [...this.alerts.values()].sort((one, other) => one.raised_at.localeCompare(other.raised_at));
    return (oldest.find((alert) => alert.status === "new") || oldest[0])?.id;
  }

  draw() {
    const wanted = byId("filter").value;
    const shown = [...this.alerts.values()]
      .filter((alert) => !wanted || alert.status === wanted)
      .sort((one, other) => other.raised_at.localeCompare(one.raised_at));
    const list = byId("alerts");
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : "";
    list.replaceChildren(...shown.map((alert) => h("li", {}, this.item(alert))));
    this.fresh.clear();
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    byId("no-alerts").hidden = shown.length > 0;
    byId("no-alerts").textContent = this.alerts.size
      ? "No alert of this kind." : "No alert so far. Alerts appear here as they come.";
    byId("more").hidden = !this.cursor;
    document.title = this.waiting ? `(${this.waiting}) Alerts` : "Alerts";
  }

  item(alert) {
    const times = alert.sightings.count > 1 ? ` · seen ${alert.sightings.count} times` : "";
    return h(
      "button",
      {
        type: "button",
        class: `item ${alert.status}${this.fresh.has(alert.id) ? " fresh" : ""}`,
        "data-id": alert.id,
        "aria-current": alert.id === this.selected ? "true" : null,
        onclick: () => this.onSelect(alert.id),
      },
      h("b", {}, alert.name || alert.entry_id),
      moment(alert.captured_at),
      h("span", { class: "place" }, `${alert.camera} · ${words(alert.category)}${times}`),
      h("span", { class: "state", "data-raised": alert.status === "new" ? alert.raised_at : null }, stateOf(alert)),
    );
  }

  tick() {
    for (const state of byId("alerts").querySelectorAll("[data-raised]")) {
      state.textContent = waitingText(state.dataset.raised);
    }
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const items = [...byId("alerts").querySelectorAll(".item")];
    const next = items[items.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
}

function stateOf(alert) {
  if (alert.status === "new") return waitingText(alert.raised_at);
  return capital(words(alert.decision.decision));
}

function waitingText(raisedAt) {
  return `to decide · ${duration((Date.now() - new Date(raisedAt)) / 1000)}`;
}
