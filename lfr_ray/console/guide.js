// A test without an alert yet: from nothing to the first one, with what stands and what is missing.

import { byId, h } from "./elements.js";
import { said, t } from "./text.js";

export class Guide {
  constructor(link, shell, alerts) {
    this.link = link;
    this.shell = shell;
    this.alerts = alerts;
    this.drawn = "";
  }

  async look() {
    const test = this.link.who.test || this.shell.site?.deployments[0]?.kind === "test";
    const wanted = test && this.alerts.empty && !byId("empty").hidden;
    byId("guide").hidden = !wanted;
    if (!wanted) return;
    const listed = await this.link.get("/v1/watchlist").catch(() => null);
    const live = this.shell.cameras.filter((camera) => camera.state === "live");
    const comparing = live.filter((camera) => !camera.refusal);
    this.draw([
      ["list", listed?.entries > 0, t("guide.listed", { count: listed?.entries ?? "–" }), "/watchlist", ""],
      ["camera", live.length > 0, live.map((camera) => camera.name).join(", "), "/cameras", "cameras: [{name: gate, url: VIDEO.mp4}]"],
      ["permit", comparing.length > 0, said(live.find((camera) => camera.refusal)?.refusal || ""), "/deployment", "lfr run SITE.yaml"],
      ["walk", false, "", "/cameras", ""],
    ]);
  }

  draw(steps) {
    const next = steps.find(([, done]) => !done)[0];
    const key = JSON.stringify(steps);
    if (key === this.drawn) return;
    this.drawn = key;
    byId("guide").replaceChildren(h("h2", {}, t("guide.title")), h("ol", {}, steps.map(([name, done, told, address, command]) =>
      h("li", { "data-step": name, class: done ? "done" : null, "aria-current": name === next ? "step" : null },
        h("b", {}, t(`guide.${name}`)), " ", h("span", { class: done ? "good" : "small" }, done ? `✓ ${t("guide.done")}` : t("guide.open")), told ? h("span", { class: "small" }, ` · ${told}`) : "",
        name === next ? h("p", { class: "small" }, t(`guide.${name}.how`), " ", command ? [h("span", { class: "mono" }, command), " "] : "", h("a", { href: address }, t(`page.${address.slice(1)}`))) : ""))));
  }
}
