// What stands above every page: site, link, cameras, deployment, the emergency stop, help.

import { attempt, byId, h, moment, number, since, duration } from "./dom_elements.js";
import { CameraRates } from "./camera_rates.js";
import { pushButton } from "./push_subscription.js";
import { choose, language, LANGUAGES, named, said, t } from "./translation.js";

const EVERY_MS = 3000;
const KEYS = ["arrows", "enter", "alt_digit", "alt_n", "alt_t", "alt_m", "escape"];

export class Shell {
  constructor(link, alerts) {
    this.link = link;
    this.alerts = alerts;
    this.name = "";
    this.site = null;
    this.cameras = [];
    this.rates = new CameraRates();
    this.watchers = new Set();
    this.mode = "stop";
    this.lostAt = null;
    alerts.list.onDrawn = () => this.title();
    alerts.onFault = (text) => this.tell(text);
    byId("stop").addEventListener("click", () => this.ask("stop"));
    byId("halt-cancel").addEventListener("click", () => byId("halt").close());
    byId("halt").querySelector("form").addEventListener("submit", (event) => this.confirm(event));
    byId("help").addEventListener("click", () => this.help());
    this.linkState("waiting");
  }

  start() {
    this.refresh();
    setInterval(() => this.refresh(), EVERY_MS);
  }

  title() {
    const page = document.body.dataset.page || "alerts";
    const waiting = this.alerts.list.waiting;
    document.title = [waiting ? `(${waiting}) ${t(`page.${page}`)}` : t(`page.${page}`), this.name].filter(Boolean).join(" – ");
  }

  // Says why something that was asked for did not happen; stays until it is read.
  tell(text) {
    byId("notice").hidden = !text;
    byId("notice").replaceChildren(h("p", {}, text), h("button", { type: "button", onclick: () => this.tell("") }, t("shell.close")));
  }

  linkState(state, why = "") {
    if (state === "lost") this.lostAt ||= new Date().toISOString();
    else this.lostAt = null;
    byId("link").className = `link ${state}`;
    byId("link-text").replaceChildren(...(state === "lost"
      ? [why || t("link.lost"), " ", moment(this.lostAt)] : [t(`link.${state}`)]));
    document.body.classList.toggle("lost", state === "lost");
    if (state === "lost") this.drawCameras();
    if (state === "live") this.tell("");
  }

  async refresh() {
    const [cameras, site] = await Promise.allSettled([this.link.get("/v1/cameras"), this.link.get("/v1/deployments")]);
    if (cameras.status === "fulfilled") {
      this.cameras = cameras.value.cameras;
      this.rates.note(this.cameras);
      this.drawCameras();
    }
    if (site.status === "fulfilled") this.drawSite(site.value);
    if (!this.link.sees) this.linkState(cameras.status === "fulfilled" ? "live" : "lost"); // there is no stream that says so
    for (const watcher of this.watchers) watcher();
  }

  drawCameras() {
    const lost = Boolean(this.lostAt);
    byId("cameras").replaceChildren(...this.cameras.map((camera) => {
      const state = lost ? "unknown" : cameraState(camera);
      return h("li", {}, h("a", { class: `camera ${state}`, href: "/cameras", title: said(camera.problem || camera.refusal || camera["warning"] || "") || null },
        h("span", { class: "dot", "aria-hidden": "true" }), h("b", {}, camera.name), h("span", { class: "told" }, ...this.told(camera, state))));
    }));
  }

  told(camera, state) {
    if (state === "unknown") return [t("camera.unknown")];
    if (state === "blind") return [camera.blind_since ? t("camera.blind_for", { time: duration(since(camera.blind_since)) }) : t("camera.blind")];
    if (camera.refusal && camera.state === "live") return [t("camera.not_compared", { why: said(camera.refusal) })];
    return [Number.isFinite(camera.fps) ? t("camera.rate", { fps: number(camera.fps, 1) }) : named("camera", camera.state)];
  }

  drawSite(site) {
    this.site = site;
    this.name = site.site || this.name;
    byId("site-name").textContent = this.name || "lfr";
    const one = site.deployments[0];
    if (one?.kind === "trial") Object.assign(byId("demo"), { textContent: t("shell.trial"), hidden: false });
    const left_s = one?.authority ? -since(one.authority.ends_at) : 0;
    byId("deployment").replaceChildren(...(one
      ? [h("a", { href: "/deployment" }, one.id), ` ${[one.kind, one.state].filter(Boolean).map((word) => named("state", word)).join(", ")}`,
        left_s > 0 ? ` · ${t("deployment.ends_in", { time: duration(left_s) })}` : ""]
      : [t("deployment.none")]));
    this.title();
    const banner = byId("banner");
    const key = JSON.stringify([site.stop, site.paused]);
    if (banner.dataset.key === key) return;
    banner.dataset.key = key;
    banner.hidden = !site.stop && !site.paused;
    banner.className = site.stop ? "banner" : "banner paused";
    byId("stop").hidden = Boolean(site.stop);
    if (site.stop) {
      banner.replaceChildren(
        h("p", {}, h("b", {}, t("stop.stopped")), `${site.stop.reason} (${site.stop.by}, `, moment(site.stop.at), ")"),
        h("button", { type: "button", onclick: () => this.ask("resume") }, t("resume.go")));
    } else if (site.paused) {
      banner.replaceChildren(h("p", {}, h("b", {}, t("stop.paused")), site.paused));
    }
  }

  ask(mode) {
    this.mode = mode;
    byId("halt-title").textContent = t(`${mode}.title`);
    byId("halt-text").textContent = t(`${mode}.text`);
    byId("halt-go").textContent = t(`${mode}.go`);
    byId("halt-go").className = mode === "stop" ? "stop solid" : "main";
    byId("halt-fault").textContent = "";
    byId("halt-reason").value = mode === "stop" ? t("stop.default_reason") : "";
    byId("halt").showModal();
    byId(mode === "stop" ? "halt-go" : "halt-reason").focus();
  }

  async confirm(event) {
    event.preventDefault();
    await attempt(byId("halt-fault"), async () => {
      await this.link.post(`/v1/${this.mode}`, { officer: this.link.officer, reason: byId("halt-reason").value });
      byId("halt").close();
      await this.refresh();
    }, [byId("halt-go")]);
    byId("halt-go").disabled = false;
  }

  help() {
    const chosen = h("select", { id: "language", onchange: (event) => choose(event.target.value) },
      Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, selected: code === language() }, name)));
    byId("helping").replaceChildren(h("form", { method: "dialog" },
      h("h2", { id: "help-title" }, t("help.title")),
      h("ol", {}, ["compare", "figures", "decide", "second", "stop"].map((one) => h("li", {}, t(`help.${one}`)))),
      h("h3", {}, t("help.keys")),
      h("dl", { class: "keys" }, KEYS.map((one) => h("div", {}, h("dt", {}, h("kbd", {}, t(`key.${one}`))), h("dd", {}, t(`key.${one}.does`))))),
      h("label", {}, t("help.language"), chosen), pushButton(this.link),
      h("div", { class: "actions" }, h("button", { type: "submit", class: "main" }, t("shell.close")))));
    byId("helping").showModal();
  }
}

export function cameraState(camera) {
  if (["blind", "ended"].includes(camera.state)) return camera.state;
  return camera.state === "live" && !camera.refusal && !camera["warning"] ? "live" : "waiting";
}
