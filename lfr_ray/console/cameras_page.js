// Every camera: what it does, what it misses and why, and on demand what it sees, every face hidden.

import { CameraFocus } from "./camera_focus.js";
import { duration, facts, h, number, since } from "./dom_elements.js";
import { repeat } from "./polling.js";
import { cameraState } from "./top_bar.js";
import { loadMore, named, said, t } from "./translation.js";

const EVERY_MS = 3000;
const PREVIEW_MS = 500;

export async function open(body, link, shell) {
  const cards = new Map();
  const sets = link.who.roles.includes("supervisor");
  if (sets) await loadMore("site");
  const look = repeat(async () => {
    const [list, counts, plan] = await Promise.all(["cameras", "counts", "plan"].map((name) => link.get(`/v1/${name}`)));
    for (const camera of list.cameras) {
      if (!cards.has(camera.name)) {
        cards.set(camera.name, new CameraCard(link, camera.name, shell, sets));
        body.append(cards.get(camera.name).element);
      }
      cards.get(camera.name).draw(camera, counts.cameras[camera.name], shell.rates.dropped(camera.name), plan.cameras[camera.name]);
    }
    if (!list.cameras.length) body.replaceChildren(h("p", { class: "nothing" }, t("cameras.none")));
  }, EVERY_MS, body);
  await look.first;
  return { close() { look.close(); for (const card of cards.values()) card.stop(); } };
}

class CameraCard {
  constructor(link, name, shell, sets) {
    this.link = link;
    this.focus = new CameraFocus(link, name, shell);
    this.name = name;
    this.preview = null;
    this.url = "";
    this.picture = h("div", { class: "preview" }, t("preview.off"));
    this.button = h("button", { type: "button", "aria-pressed": "false", onclick: () => (this.preview ? this.stop() : this.start()) }, t("preview.start"));
    this.told = h("div", {});
    this.title = h("h2", {});
    this.element = h("section", { class: "card", "aria-label": name, "data-camera": name },
      this.title, this.picture, h("div", { class: "actions" }, this.button), sets ? this.focus.form(() => this.preview || this.start()) : null, this.told);
  }

  draw(camera, counted, dropped, placed) {
    const state = cameraState(camera);
    this.focus.take(placed, camera.width_px);
    const [seen, compared, latency_ms] = [counted?.faces_seen, counted?.faces_compared, counted?.latency_ms.p95];
    const rejected = Object.entries(counted?.rejected || {}).map(([name, value]) => ({ name, value }))
      .sort((one, other) => other.value - one.value);
    this.title.replaceChildren(h("span", { class: `camera ${state}` }, h("span", { class: "dot", "aria-hidden": "true" }), named("camera", camera.state)), this.name);
    this.told.replaceChildren(facts([
      camera.problem && [t("cameras.problem"), bad(camera.problem)],
      camera.refusal && [t("cameras.refusal"), bad(camera.refusal)],
      camera.blind_since && [t("camera.blind"), duration(since(camera.blind_since))],
      camera.missing_s > 0 && [t("cameras.missing"), duration(camera.missing_s)],
      [t("cameras.frames"), `${number(camera.fps, 1)} ${t("cameras.per_second")}`, camera.width_px ? `${camera.width_px} × ${camera.height_px}` : ""],
      placed?.min_face_px && [t("cameras.smallest"), `${number(placed.min_face_px)} px`, t("cameras.smallest_note")],
      [t("cameras.looked_at"), number(counted?.frames ?? camera.frames)],
      [t("cameras.dropped"), dropped === null ? "–" : `${number(dropped * 100, 1)} %`, t("cameras.dropped_note")],
      camera.frames_damaged > 0 && [t("cameras.damaged"), number(camera.frames_damaged)],
      [t("record.faces_seen"), number(seen), Number.isFinite(compared) ? t("cameras.compared", { count: number(compared) }) : ""],
      [t("record.failure_to_acquire"), seen > 0 ? `${number((1 - compared / seen) * 100, 1)} %` : "–", t("cameras.fta_note")],
      Number.isFinite(latency_ms) && [t("cameras.latency"), `${number(latency_ms)} ms`, t("cameras.latency_note")],
      ...more(camera),
    ]), ...(rejected.length ? [h("h3", {}, t("cameras.rejected")), bars(rejected, (one) => named("reason", one.name))] : []));
  }

  start() {
    this.button.textContent = t("preview.stop");
    this.button.setAttribute("aria-pressed", "true");
    const image = h("img", { alt: t("preview.alt", { camera: this.name }), onload: () => this.focus.fit(image) });
    this.preview = repeat(async () => {
      try {
        const url = await this.link.picture(`/v1/cameras/${encodeURIComponent(this.name)}/preview`);
        if (!this.preview) return URL.revokeObjectURL(url);
        image.src = url;
        if (!image.isConnected) this.picture.replaceChildren(image, this.focus.marks);
        URL.revokeObjectURL(this.url);
        this.url = url;
      } catch (error) {
        this.picture.replaceChildren(error.detail || t("link.no_answer"));
      }
      return undefined;
    }, PREVIEW_MS);
  }

  stop() {
    this.preview?.close();
    this.preview = null;
    URL.revokeObjectURL(this.url);
    this.picture.replaceChildren(t("preview.off"));
    this.button.textContent = t("preview.start");
    this.button.setAttribute("aria-pressed", "false");
  }
}

// What the server says, marked as English where it stays so.
const bad = (sentence) => h("span", { class: "bad", lang: said(sentence) === sentence ? "en" : null }, said(sentence));

// What is wrong with the footage, and what makes its alerts late, where the site says so.
function more(camera) {
  return ["warning", "problems"].map((name) => {
    const value = camera[name];
    const text = Array.isArray(value) ? value.map((one) => named("problem", one)).join(", ") : said(value || "");
    return text && text !== camera.problem ? [t(`cameras.${name}`), text] : null;
  });
}

export function bars(rows, label) {
  const most = Math.max(...rows.map((one) => one.value), 1);
  return h("div", { class: "bars" }, rows.map((one) => h("div", {},
    h("span", {}, label(one)), h("meter", { min: 0, max: most, value: one.value, "aria-label": label(one) }), h("span", {}, number(one.value)))));
}
