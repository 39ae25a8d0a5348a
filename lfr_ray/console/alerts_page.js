// Alerts: the list, the selected one, and what happens live.

import { AlertList } from "./alert_list.js";
import { AlertView } from "./alert_view.js";
import { byId, problemText } from "./dom_elements.js";
import { named, t } from "./translation.js";

const VERDICT_KEYS = { Digit1: "not_a_match", Digit2: "possible_match", Digit3: "engage" };

export class AlertsPage {
  constructor(link, sound, router) {
    this.link = link;
    this.sound = sound;
    this.router = router;
    this.onFault = () => {};
    this.list = new AlertList(link, (alertId) => this.go(alertId));
    this.view = new AlertView(link, { changed: (alert) => this.changed(alert), close: () => this.go(""), next: () => this.next() });
    document.addEventListener("keydown", (event) => this.key(event));
  }

  go(alertId) {
    this.router.go(`/alerts${alertId ? `/${encodeURIComponent(alertId)}` : ""}${window.location.search}`);
  }

  next() {
    const alertId = this.list.first();
    if (alertId) this.go(alertId);
  }

  async select(alertId) {
    this.list.follow();
    if (!alertId && this.link.who.test && !this.view.id && this.list.first() && !this.greeted) {
      this.greeted = true;
      return this.go(this.list.first());
    }
    byId("desk").classList.toggle("open", Boolean(alertId));
    const before = this.list.selected;
    this.list.select(alertId);
    if (!alertId) {
      this.view.close();
      return this.list.focus(before);
    }
    if (alertId === this.view.id) return void (this.view.wanted = alertId);
    try {
      await this.view.open(alertId);
    } catch (error) {
      this.onFault(problemText(error));
      this.list.select(this.view.id);
      byId("desk").classList.toggle("open", Boolean(this.view.id));
      if (error.status === 404) this.list.drop(alertId);
    }
    return undefined;
  }

  changed(alert) {
    this.list.put(alert);
    return this.view.update(alert);
  }

  async happened(event) {
    if (event.kind === "erasure") {
      this.list.drop(event.alert_id);
      if (this.view.id === event.alert_id) this.go("");
      return;
    }
    const alert = await this.link.alertOf(event);
    if (!alert) return;
    const unknown = this.list.put(alert);
    this.view.update(alert);
    if (event.kind === "alert_raised" && unknown) {
      byId("news").textContent = t("list.news", { camera: alert.camera, category: named("category", alert.category) });
      this.sound.play(this.list.priority(alert));
      if (this.link.who.test && !this.view.id && this.router.name === "alerts") this.select("");
    }
  }

  key(event) {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && this.view.id && this.router.name === "alerts") return void this.go("");
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const act = {
      KeyN: () => this.next(),
      KeyT: () => document.getElementById("claim-act")?.click(),
      KeyM: () => this.sound.mute(!this.sound.muted),
    }[event.code] || (event.code in VERDICT_KEYS
      ? () => document.querySelector(`[data-decision=${VERDICT_KEYS[event.code]}]`)?.click() : null);
    if (!act) return;
    event.preventDefault();
    act();
  }
}
