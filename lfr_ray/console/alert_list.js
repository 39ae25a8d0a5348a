// The list: what is to be decided first, by requested action and then the oldest; live, filtered, with pictures.

import { byId, duration, h, moment, since } from "./dom_elements.js";
import { claimText } from "./alert_claim.js";
import { Pictures } from "./alert_thumbnails.js";
import { named, t } from "./translation.js";

const PAGE = 50;
const GIVEN = "lfr.given";
const PRIORITIES = [/arrest|detain|engage|urgent|harm/, /safeguard|protect|risk|missing|check|speak|stop/, /./];
const FILTERS = ["state", "camera", "category", "since", "person"];

// The alerts for which this officer gave the first of two verdicts: they have nothing more to decide there.
export function given(alertId = "") {
  const ids = JSON.parse(sessionStorage.getItem(GIVEN) || "[]");
  if (alertId && !ids.includes(alertId)) sessionStorage.setItem(GIVEN, JSON.stringify([...ids, alertId]));
  return ids;
}

// open, second (another officer's verdict is needed, and it may be mine), waiting (mine is given), decided
export function stateOf(alert) {
  if (alert.status !== "new") return "decided";
  if (alert.case.state !== "awaiting_second") return "open";
  return given().includes(alert.id) ? "waiting" : "second";
}

export class AlertList {
  constructor(link, onSelect) {
    this.link = link;
    this.onSelect = onSelect;
    this.onDrawn = () => {};
    this.alerts = new Map();
    this.pictures = new Pictures(link);
    this.selected = "";
    this.cursor = null;
    this.fresh = new Set();
    this.filters = Object.fromEntries(FILTERS.map((name) => [name, new URLSearchParams(window.location.search).get(name) || ""]));
    byId("filters-button").addEventListener("click", () => this.unfold(byId("filters").hidden));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("input", () => this.filter());
    byId("more").addEventListener("click", () => this.loadMore(this.cursor));
    byId("alerts").addEventListener("keydown", (event) => this.move(event));
    setInterval(() => this.tick(), 1000);
  }

  async load() {
    // The oldest that nobody has decided, however many newer ones there are, and the newest.
    const [newest, open] = await Promise.all([this.page(""), this.link.get(`/v1/alerts?limit=${PAGE}&status=new&order=oldest`)]);
    this.alerts.clear();
    for (const alert of [...open.alerts, ...newest.alerts]) this.alerts.set(alert.id, alert);
    this.cursor = newest.next_cursor;
    this.drawFilters();
    this.draw();
    return Math.min(newest.event_id, open.event_id);
  }

  page(cursor) {
    const asked = new URLSearchParams({ limit: PAGE });
    for (const name of ["camera", "category"]) if (this.filters[name]) asked.set(name, this.filters[name]);
    if (this.filters.since) asked.set("since", new Date(Date.now() - Number(this.filters.since) * 60_000).toISOString());
    if (cursor) asked.set("cursor", cursor);
    return this.link.get(`/v1/alerts?${asked}`);
  }

  async loadMore(cursor) {
    const page = await this.page(cursor);
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

  focus(alertId) {
    byId("alerts").querySelector(`[data-id="${CSS.escape(alertId)}"]`)?.focus();
  }

  get waiting() {
    return [...this.alerts.values()].filter((alert) => ["open", "second"].includes(stateOf(alert))).length;
  }

  priority(alert) {
    const rank = PRIORITIES.findIndex((one) => one.test(alert.action.toLowerCase()));
    return rank < 0 ? PRIORITIES.length : rank;
  }

  ordered(state) {
    const open = state !== "decided";
    return [...this.alerts.values()].filter((alert) => stateOf(alert) === state && this.wanted(alert)).sort((one, other) =>
      (open ? this.priority(one) - this.priority(other) : 0) ||
      (open ? 1 : -1) * one.raised_at.localeCompare(other.raised_at));
  }

  // What is to be decided next: what nobody else has, the most urgent, the oldest of them; without one, any.
  first() {
    const lists = ["open", "second", "waiting", "decided"].map((state) => this.ordered(state));
    const others = (alert) => Number(Boolean(alert.claim) && alert.claim.officer !== this.link.officer && since(alert.claim.until) < 0);
    const undecided = [...lists[0], ...lists[1]].sort((one, other) => others(one) - others(other));
    return undecided.find((alert) => alert.id !== this.selected)?.id || lists.flat()[0]?.id;
  }

  wanted(alert) {
    const { state, camera, category, since: minutes, person } = this.filters;
    const sought = person.trim().toLowerCase();
    return (!state || (state === "held" ? Boolean(alert.hold) : state === "new" ? alert.status === "new" : stateOf(alert) === state)) &&
      (!camera || alert.camera === camera) && (!category || alert.category === category) &&
      (!minutes || since(alert.captured_at) < Number(minutes) * 60) &&
      (!sought || `${alert.name} ${alert.entry_id}`.toLowerCase().includes(sought));
  }

  filter() {
    const before = JSON.stringify([this.filters.camera, this.filters.category, this.filters.since]);
    for (const name of FILTERS) this.filters[name] = byId(`filter-${name}`).value;
    const asked = new URLSearchParams(Object.entries(this.filters).filter(([, value]) => value));
    window.history.replaceState(null, "", window.location.pathname + (asked.size ? `?${asked}` : ""));
    this.draw();
    if (before !== JSON.stringify([this.filters.camera, this.filters.category, this.filters.since])) this.loadMore("").catch(() => {});
  }

  // The filters stand in the address, and a link may bring others.
  follow() {
    const asked = new URLSearchParams(window.location.search);
    if (FILTERS.every((name) => this.filters[name] === (asked.get(name) || ""))) return;
    for (const name of FILTERS) this.filters[name] = asked.get(name) || "";
    this.load().catch(() => {});
  }

  unfold(open) {
    byId("filters").hidden = !open;
    byId("filters-button").setAttribute("aria-expanded", String(open));
    if (open) this.drawFilters();
  }

  drawFilters() {
    const alerts = [...this.alerts.values()];
    const choices = {
      state: ["new", "second", "decided", "held"].map((one) => [one, t(`list.${one}`)]),
      camera: [...new Set(alerts.map((alert) => alert.camera))].sort().map((one) => [one, one]),
      category: [...new Set(alerts.map((alert) => alert.category))].sort().map((one) => [one, named("category", one)]),
      since: [15, 60, 480].map((one) => [String(one), t("filter.minutes", { time: duration(one * 60) })]),
    };
    byId("filters").replaceChildren(
      h("label", {}, t("filter.person"), h("input", { id: "filter-person", type: "search", value: this.filters.person })),
      ...Object.entries(choices).map(([name, options]) => h("label", {}, t(`filter.${name}`), h("select", { id: `filter-${name}` },
        h("option", { value: "" }, t("filter.all")),
        options.map(([value, text]) => h("option", { value, selected: value === this.filters[name] }, text))))));
    if (Object.values(this.filters).some(Boolean)) byId("filters").hidden = false;
  }

  draw() {
    const list = byId("alerts");
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : "";
    const groups = ["open", "second", "waiting", "decided"].map((state) => [state, this.ordered(state)]).filter(([, found]) => found.length);
    const shown = groups.flatMap(([, found]) => found);
    list.replaceChildren(...groups.map(([state, found]) => h("section", { "aria-label": t(`list.${state}`) },
      h("h3", {}, `${t(`list.${state}`)} `, h("span", { class: "count" }, found.length)),
      h("ul", {}, found.map((alert) => h("li", {}, this.item(alert, state)))))));
    this.pictures.keep(new Set(shown.map((alert) => alert.images.face)));
    this.fresh.clear();
    if (focused) this.focus(focused);
    byId("no-alerts").hidden = shown.length > 0;
    byId("no-alerts").textContent = this.alerts.size ? t("list.none_of_kind") : t("list.none");
    byId("more").hidden = !this.cursor;
    byId("filters-button").classList.toggle("on", Object.values(this.filters).some(Boolean));
    this.onDrawn();
  }

  item(alert, state) {
    const times = alert.sightings.count > 1 ? ` · ${t("list.times", { count: alert.sightings.count })}` : "";
    return h("button", {
      type: "button",
      class: `item ${state} ${alert.status}${this.fresh.has(alert.id) ? " fresh" : ""}`,
      "data-id": alert.id,
      "data-priority": this.priority(alert),
      "aria-current": alert.id === this.selected ? "true" : null,
      onclick: () => this.onSelect(alert.id),
    },
    this.pictures.thumb(alert.images.face),
    h("span", { class: "who" },
      h("b", {}, alert.name || alert.entry_id),
      h("span", { class: "place" }, alert.camera, " · ", moment(alert.captured_at), times),
      h("span", { class: "asked" }, alert.action ? named("action", alert.action) : named("category", alert.category), alert.hold ? ` · ${t("hold.held")}` : ""),
      alert.claim ? h("span", { class: "claimed" }, claimText(alert, this.link.officer)) : null),
    h("span", { class: "state", "data-raised": alert.status === "new" ? alert.raised_at : null }, this.told(alert)));
  }

  told(alert) {
    return alert.status === "new" ? duration(since(alert.raised_at)) : named("decision", alert.decision.decision);
  }

  tick() {
    for (const state of byId("alerts").querySelectorAll("[data-raised]")) state.textContent = duration(since(state.dataset.raised));
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
