// The selected alert: pictures first, then the officer's own comparison, then the machine's figures.

import { byId, facts, h, moment, problemText, redraw } from "./elements.js";
import { claimBar, drawClaim } from "./claim.js";
import { comparisonStep, figuresStep } from "./comparison.js";
import { holdStep } from "./hold.js";
import { outcomeStep } from "./outcome.js";
import { named, t } from "./text.js";
import { decisionBar, rulingStep } from "./verdict.js";
import { given, stateOf } from "./alert_list.js";

const FACE_SHARE = 1 / 1.8; // a face takes so much of its picture, which has a margin of 0.4 on every side

export class AlertView {
  constructor(link, { changed, close, next }) {
    this.link = link;
    this.onChanged = changed;
    this.onClose = close;
    this.onNext = next;
    this.alert = null;
    this.urls = [];
    this.forget();
  }

  get id() {
    return this.alert ? this.alert.id : "";
  }

  // What was found out for one alert is nothing of the next one's.
  forget() {
    this.comparison = {};
    this.compared = false;
    this.own = [];
    this.likelihood = null;
    this.earlier = null;
  }

  async open(alertId) {
    const alert = await this.link.get(`/v1/alerts/${alertId}`);
    this.forget();
    this.alert = alert;
    this.compared = this.alert.figures_given;
    this.forgetPictures();
    await this.ask();
    this.drawAll();
    byId("detail").focus({ preventScroll: true });
    byId("main").scrollTo(0, 0);
  }

  close() {
    this.alert = null;
    this.forgetPictures();
    byId("alert").hidden = true;
    byId("alert").replaceChildren();
    byId("empty").hidden = false;
  }

  // What this officer said of it, and, once they have compared, how rare such a likeness is and what came before.
  async ask() {
    const alertId = this.id;
    const quiet = (path) => this.link.get(path).catch(() => null);
    const own = this.alert.status === "new" ? await quiet(`/v1/alerts/${alertId}/own`) : null;
    if (own && this.id === alertId) {
      this.own = own.records.filter((record) => record.decision);
      if (this.own.length) given(alertId);
      const found = own.records.findLast((record) => record.comparison);
      if (found && this.compared && !Object.keys(this.comparison).length) this.comparison = { ...found.comparison };
    }
    if (!this.compared && !this.own.length) return;
    const [likelihood, page] = await Promise.all([quiet(`/v1/alerts/${alertId}/likelihood`),
      quiet(`/v1/alerts?entry_id=${encodeURIComponent(this.alert.entry_id)}&limit=6`)]);
    if (this.id !== alertId) return;
    this.likelihood = likelihood;
    this.earlier = page ? page.alerts.filter((alert) => alert.id !== alertId) : null;
  }

  // What happened elsewhere; what this officer is filling in is not disturbed.
  async update(alert) {
    if (!this.alert || alert.id !== this.alert.id) return;
    const before = this.alert;
    this.alert = { ...before, ...alert };
    if (alert.status === "decided") this.compared = true;
    byId("about").replaceWith(this.about());
    byId("status").replaceWith(this.status());
    drawClaim(this);
    const changed = ["decision", "outcome", "case", "hold"].some((name) => JSON.stringify(alert[name]) !== JSON.stringify(before[name]));
    if (!changed) return;
    await this.ask();
    if (this.id === alert.id) this.drawSteps();
  }

  forgetPictures() {
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = [];
    byId("large").replaceChildren();
    byId("zoom").close();
  }

  drawAll() {
    const alert = this.alert;
    byId("empty").hidden = true;
    byId("alert").hidden = false;
    byId("alert").replaceChildren(
      h("div", { class: "head" },
        h("button", { type: "button", class: "back quiet", onclick: this.onClose }, `‹ ${t("alert.all")}`),
        h("h2", {}, alert.name || alert.entry_id),
        this.status(),
        h("span", { class: "tag" }, named("category", alert.category))),
      this.about(),
      claimBar(this),
      h("div", { class: "work" },
        h("div", { class: "pictures" },
          h("div", { class: "faces" },
            this.figure("face", h("b", {}, t("alert.seen")), alert.camera, ", ", moment(alert.captured_at)),
            this.figure("watchlist", h("b", {}, t("alert.enrolled")), alert.entry_id)),
          alert.enrolled.length ? h("div", { class: "views", role: "group", "aria-label": t("alert.others") },
            h("p", { class: "small" }, t("alert.others")),
            alert.enrolled.map((path, place) => this.picture(`enrolled${place + 1}`, path, t("alert.other", { number: place + 1 })))) : null,
          alert.views.length ? h("div", { class: "views", role: "group", "aria-label": t("alert.views") },
            h("p", { class: "small" }, t("alert.views")),
            alert.views.map((path, place) => this.picture(`view${place + 1}`, path, t("alert.view", { number: place + 1 })))) : null,
          h("div", { class: "scene" }, this.figure("scene", h("b", {}, t("alert.scene")), t("alert.others_hidden")))),
        h("div", { id: "steps", class: "steps" })),
      h("div", { id: "decide", class: "decide" }),
    );
    this.drawSteps();
  }

  status() {
    const state = stateOf(this.alert);
    return h("span", { class: `tag ${this.alert.status} ${state}`, id: "status" }, t(`status.${state}`));
  }

  about() {
    const alert = this.alert;
    const seen = alert.sightings;
    return h("div", { id: "about" }, facts([
      [t("alert.if_confirmed"), alert.action ? named("action", alert.action) : t("alert.no_action")],
      [t("alert.camera"), alert.camera],
      [t("alert.time"), moment(alert.captured_at)],
      [t("alert.deployment"), alert.deployment || "–"],
      seen.count > 1 && [t("alert.again"), t("alert.more", { count: seen.count - 1 }), moment(seen.last)],
      alert.hold && [t("hold.held"), alert.hold.reason, alert.hold.by],
    ], "about"));
  }

  figure(kind, ...caption) {
    return h("figure", {}, this.picture(kind, this.alert.images[kind], t(`alert.picture.${kind}`)), h("figcaption", {}, ...caption));
  }

  // Loads by itself; until then, and where there is none, it says so.
  picture(kind, path, alt) {
    const alertId = this.alert.id;
    const holder = h("div", { class: "missing" }, t("alert.loading"));
    this.link.picture(path).then((url) => {
      if (this.id !== alertId) return URL.revokeObjectURL(url);
      this.urls.push(url);
      const image = h("img", { src: url, alt, "data-kind": kind, onload: () => this.scale(image, kind) });
      return holder.replaceWith(h("button", {
        type: "button", class: "picture", title: t("alert.enlarge"), onclick: () => this.enlarge(kind),
      }, image));
    }).catch((error) => {
      holder.textContent = error.status === 404 ? t("alert.no_picture") : t("alert.picture_failed");
    });
    return holder;
  }

  // Both faces at the same size: a picture that was cut off at its frame's edge shows the face larger otherwise.
  scale(image, kind) {
    if (!["face", "watchlist"].includes(kind) || !this.alert) return;
    const [x1, y1, x2, y2] = this.alert.box;
    const slender = (x2 - x1) / (y2 - y1);
    const face_px = kind === "face" ? y2 - y1
      : Math.max(image.naturalHeight, image.naturalWidth / slender) * FACE_SHARE;
    const share = Math.min(1, (image.naturalHeight / face_px) * FACE_SHARE);
    const room = Math.min(1, (image.naturalWidth / face_px) * FACE_SHARE);
    if (share > 0.3) image.style.height = `${share * 100}%`;
    if (room > 0.3) image.style.width = `${room * 100}%`;
  }

  // Both faces at once, as large as the screen allows; the scene by itself.
  enlarge(kind) {
    const kinds = kind === "scene" ? ["scene"] : /^(watchlist|enrolled)/.test(kind) ? ["face", kind] : [kind, "watchlist"];
    const found = kinds.map((one) => byId("alert").querySelector(`img[data-kind=${one}]`)).filter(Boolean);
    byId("large").replaceChildren(...found.map((image) => h("img", { src: image.src, alt: image.alt })));
    byId("zoom").showModal();
  }

  drawSteps() {
    redraw(byId("alert"), () => {
      const state = stateOf(this.alert);
      const undecided = state === "open" || state === "second";
      const steps = undecided ? [comparisonStep(this)] : [rulingStep(this)];
      if (this.compared || !undecided) steps.push(figuresStep(this, undecided ? 2 : null));
      if (state === "decided") steps.push(outcomeStep(this));
      steps.push(holdStep(this));
      byId("steps").replaceChildren(...steps);
      byId("decide").replaceChildren(...(undecided ? [decisionBar(this, this.compared ? 3 : 2)] : []));
      byId("decide").hidden = !undecided;
    });
  }

  // The server gives figures only to who has compared.
  async reveal() {
    const alertId = this.id;
    byId("compared").disabled = true;
    try {
      this.alert = await this.link.post(`/v1/alerts/${alertId}/comparison`, { comparison: this.comparison });
    } catch (error) {
      byId("compared").disabled = false;
      byId("compared-fault").textContent = problemText(error);
      return;
    }
    this.compared = true;
    this.drawSteps();
    byId("figures").focus({ preventScroll: true });
    byId("figures").scrollIntoView({ block: "nearest" });
    await this.ask();
    if (this.id === alertId) this.drawSteps();
  }
}
