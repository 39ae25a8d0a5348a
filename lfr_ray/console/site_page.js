// Where the cameras are: on the operator's plan, or by coordinates; their states, and a ring where an alert waits.

import { h } from "./dom_elements.js";
import { repeat } from "./polling.js";
import { cameraState } from "./top_bar.js";
import { loadMore, named, said, t } from "./translation.js";

const EVERY_MS = 3000;
const EDGE = 0.08; // of the picture's sides, so that no name is cut off

export async function open(body, link, shell) {
  const [plan] = await Promise.all([link.get("/v1/plan"), loadMore("site")]);
  const address = plan.picture ? await link.picture("/v1/plan/picture") : "";
  const places = plan.picture ? onPlan(plan.cameras) : byCoordinates(plan.cameras);
  const spots = new Map(Object.keys(plan.cameras).map((name) => [name, spot(name, places[name])]));
  const placed = [...spots].filter(([name]) => places[name]).map(([, element]) => element);
  const others = [...spots].filter(([name]) => !places[name]).map(([, element]) => h("li", {}, element));
  body.replaceChildren(h("section", { class: "card whole", "aria-label": t("page.site") },
    placed.length || address ? h("div", { class: address ? "plan" : "plan bare", id: "plan" }, address ? h("img", { src: address, alt: t("site.plan") }) : null, placed) : null,
    !address && placed.length ? h("p", { class: "small" }, t("site.north")) : null,
    others.length ? [h("h2", {}, t("site.unplaced")), h("p", { class: "small" }, t("site.how")), h("ul", { class: "unplaced" }, others)] : null));

  function draw() {
    const list = shell.alerts.list;
    const waiting = [...list.ordered("open"), ...list.ordered("second")];
    const states = new Map(shell.cameras.map((camera) => [camera.name, camera]));
    for (const [name, element] of spots) {
      const camera = states.get(name);
      const count = waiting.filter((alert) => alert.camera === name).length;
      const state = camera && !shell.lostAt ? cameraState(camera) : "unknown";
      const why = camera?.problem || camera?.refusal || camera?.warning || "";
      element.className = `spot camera ${state}${count ? " waits" : ""}`;
      element.href = count && link.sees ? `/alerts?camera=${encodeURIComponent(name)}&state=new` : "/cameras";
      element.title = said(why);
      element.replaceChildren(h("span", { class: "dot", "aria-hidden": "true" }), h("b", {}, name),
        h("span", { class: "told" }, state === "unknown" ? t("camera.unknown") : named("camera", camera.state)),
        count ? h("span", { class: "count" }, t("site.waiting", { count })) : "");
    }
  }

  const look = repeat(async () => draw(), EVERY_MS);
  return { happened: draw, close() { look.close(); if (address) URL.revokeObjectURL(address); } };
}

function spot(name, place) {
  const element = h("a", { class: "spot camera", "data-camera": name });
  if (place) Object.assign(element.style, { left: `${place[0] * 100}%`, top: `${place[1] * 100}%` });
  return element;
}

const onPlan = (cameras) => Object.fromEntries(Object.entries(cameras).filter(([, one]) => one.on_plan).map(([name, one]) => [name, one.on_plan]));

// North is up; a degree of longitude is as long as it is at that latitude.
function byCoordinates(cameras) {
  const measured = Object.entries(cameras).filter(([, one]) => one.latitude !== null);
  if (!measured.length) return {};
  const stretch = Math.cos((measured[0][1].latitude * Math.PI) / 180);
  const points = measured.map(([name, one]) => [name, one.longitude * stretch, -one.latitude]);
  const [xs, ys] = [points.map((one) => one[1]), points.map((one) => one[2])];
  const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) || 1;
  const middle = (values) => (Math.max(...values) + Math.min(...values)) / 2;
  const share = (value, values) => 0.5 + ((value - middle(values)) / size) * (1 - 2 * EDGE);
  return Object.fromEntries(points.map(([name, x, y]) => [name, [share(x, xs), share(y, ys)]]));
}
