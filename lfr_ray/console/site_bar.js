// The site around the alerts: cameras, deployment, pause, and the emergency stop.

import { byId, h, moment, problemText, words } from "./elements.js";

const EVERY_MS = 1000;
const STATES = { starting: "Starting", connecting: "Connecting", live: "Live", blind: "Blind", ended: "Ended" };

export class SiteBar {
  constructor(link) {
    this.link = link;
    this.stopped = null;
    this.mode = "stop";
    byId("stop").addEventListener("click", () => this.ask("stop"));
    byId("halt-cancel").addEventListener("click", () => byId("halt").close());
    byId("halt").querySelector("form").addEventListener("submit", (event) => this.confirm(event));
  }

  start() {
    this.refresh();
    setInterval(() => this.refresh(), EVERY_MS);
  }

  async refresh() {
    const [cameras, site] = await Promise.allSettled([this.link.get("/v1/cameras"), this.link.get("/v1/deployments")]);
    if (cameras.status === "fulfilled") this.drawCameras(cameras.value.cameras);
    if (site.status === "fulfilled") this.drawSite(site.value);
  }

  drawCameras(cameras) {
    byId("cameras").replaceChildren(...cameras.map((camera) => {
      const idle = camera.state === "live" && camera.refusal;
      const state = ["live", "blind", "ended"].includes(camera.state) && !idle && !camera.warning ? camera.state : "waiting";
      return h("li", { class: `camera ${state}`, title: camera.problem || camera.refusal || camera.warning || null },
        h("span", { class: "dot", "aria-hidden": "true" }),
        h("b", {}, camera.name),
        h("span", { class: "told" }, ...told(camera)));
    }));
  }

  drawSite(site) {
    const inForce = site.deployments.map((one) => `${one.id} (${[one.kind, one.state].filter(Boolean).map(words).join(", ")})`);
    byId("deployment").replaceChildren(
      ...(inForce.length ? ["Deployment ", h("b", {}, inForce.join("; "))] : ["No deployment: nothing is compared"]));
    this.stopped = site.stop;
    const banner = byId("banner");
    const key = JSON.stringify([site.stop, site.paused]);
    if (banner.dataset.key === key) return;
    banner.dataset.key = key;
    banner.hidden = !site.stop && !site.paused;
    banner.className = site.stop ? "banner" : "banner paused";
    byId("stop").hidden = Boolean(site.stop);
    if (site.stop) {
      banner.replaceChildren(
        h("p", {}, h("b", {}, "Matching is stopped"), `${site.stop.reason} (${site.stop.by}, `, moment(site.stop.at), ")"),
        h("button", { type: "button", onclick: () => this.ask("resume") }, "Resume matching"));
    } else if (site.paused) {
      banner.replaceChildren(h("p", {}, h("b", {}, "Alerts are paused"), site.paused));
    }
  }

  ask(mode) {
    this.mode = mode;
    const stop = mode === "stop";
    byId("halt-title").textContent = stop ? "Stop all matching?" : "Resume matching?";
    byId("halt-text").textContent = stop
      ? "No face is compared anywhere until somebody resumes. The stop is recorded."
      : "Faces are compared again under the authority in force. This is recorded.";
    byId("halt-go").textContent = stop ? "Stop matching now" : "Resume matching";
    byId("halt-go").className = stop ? "stop solid" : "main";
    byId("halt-fault").textContent = "";
    byId("halt-reason").value = stop ? "Stopped from the console" : "";
    byId("halt").showModal();
    (stop ? byId("halt-go") : byId("halt-reason")).focus();
  }

  async confirm(event) {
    event.preventDefault();
    byId("halt-go").disabled = true;
    try {
      await this.link.post(`/v1/${this.mode}`, { officer: this.link.officer, reason: byId("halt-reason").value });
      byId("halt").close();
      await this.refresh();
    } catch (error) {
      byId("halt-fault").textContent = problemText(error);
    } finally {
      byId("halt-go").disabled = false;
    }
  }
}

function told(camera) {
  const dropped = Number.isFinite(camera.frames_dropped) ? `${camera.frames_dropped.toLocaleString("en-GB")} dropped` : "";
  if (camera.state === "blind") {
    return ["Blind", ...(camera.blind_since ? [" since ", moment(camera.blind_since)] : []), dropped && ` · ${dropped}`];
  }
  if (camera.state === "live" && camera.refusal) return [`Not compared: ${camera.refusal}`];
  const rate = Number.isFinite(camera.fps) ? `${camera.fps.toFixed(1)} frames/s` : "";
  return [[STATES[camera.state], rate, dropped, camera.state === "live" && camera.warning]
    .filter(Boolean).join(" · ")];
}
