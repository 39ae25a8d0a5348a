// A test without an alert yet: from nothing to the first one, with what stands and what is missing.

import { byId, h } from "./dom_elements.js";
import { said, t } from "./translation.js";

export class Guide {
  constructor(link, shell, alerts) {
    this.link = link;
    this.shell = shell;
    this.alerts = alerts;
    this.drawn = "";
  }

  async look() {
    const test = this.link.who.test || this.shell.site?.deployments[0]?.kind === "test";
    const wanted = test && this.alerts.list.alerts.size === 0 && !byId("empty").hidden;
    byId("guide").hidden = !wanted;
    if (!wanted) return;
    const listed = await this.link.get("/v1/watchlist").catch(() => null);
    const taking = this.shell.cameras.find((camera) => camera.takes_recording)?.name;
    const live = this.shell.cameras.filter((camera) => camera.state === "live");
    const comparing = live.filter((camera) => !camera.refusal);
    const steps = [
      ["list", listed?.entries > 0, t("guide.listed", { count: listed?.entries ?? "–" }), "/watchlist", ""],
      ["camera", live.length > 0, live.map((camera) => camera.name).join(", "), "/cameras", "lfr demo --own"],
      ["permit", comparing.length > 0, said(live.find((camera) => camera.refusal)?.refusal || ""), "/deployment", "lfr run SITE.yaml"],
      ["walk", false, "", "/cameras", ""],
    ];
    if (taking) steps.unshift(...steps.splice(1, 1)); // their own video first
    await this.draw(taking, steps);
  }

  async draw(taking, steps) {
    const next = steps.find(([, done]) => !done)[0];
    const key = JSON.stringify(steps);
    if (key === this.drawn) return;
    this.drawn = key;
    const form = taking && next === "camera" ? await (await import("./first_steps_recording.js")).recordingForm(this.link, taking) : null;
    byId("guide").replaceChildren(h("h2", {}, t("guide.title")), h("ol", {}, steps.map(([name, done, told, address, command]) =>
      h("li", { "data-step": name, class: done ? "done" : null, "aria-current": name === next ? "step" : null },
        h("b", {}, t(`guide.${name}`)), " ", h("span", { class: done ? "good" : "small" }, done ? `✓ ${t("guide.done")}` : t("guide.open")), told ? h("span", { class: "small" }, ` · ${told}`) : "",
        name === next && form ? form : name === next ? h("p", { class: "small" }, t(`guide.${name}.how`), " ", command ? [h("span", { class: "mono" }, command), " "] : "", h("a", { href: address }, t(`page.${address.slice(1)}`))) : ""))));
  }
}
