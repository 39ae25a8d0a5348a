// The selected alert: pictures first, then the officer's own comparison, then the machine's figures.

import { attempt, byId, facts, h, moment, redraw } from "./dom_elements.js";
import { claimBar, drawClaim } from "./alert_claim.js";
import { comparisonStep, figuresStep } from "./alert_comparison.js";
import { holdStep } from "./alert_keep_longer.js";
import { outcomeStep } from "./alert_outcome.js";
import { named, t } from "./translation.js";
import { decisionBar, rulingStep } from "./alert_decision.js";
import { given, stateOf } from "./alert_list.js";

const FACE_SHARE = 1 / 1.8; // a face takes so much of its picture, which has a margin of 0.4 on every side

// What was found out for one alert is nothing of the next one's.
const nothingFound = () => ({ comparison: {}, compared: false, own: [], likelihood: null, earlier: null });

export class AlertView {
  constructor(link, { changed, close, next }) {
    this.link = link;
    this.onChanged = changed;
    this.onClose = close;
    this.onNext = next;
    this.alert = null;
    this.urls = [];
    Object.assign(this, nothingFound());
  }

  get id() {
    return this.alert ? this.alert.id : "";
  }

  // While it is fetched another one may be opened, or all be closed: the last word counts, and until then what is shown
  // stays, with its buttons.
  async open(alertId) {
    this.wanted = alertId;
    const next = { ...nothingFound(), alert: await this.link.get(`/v1/alerts/${alertId}`) };
    next.compared = next.alert.figures_given;
    await this.ask(next);
    if (this.wanted !== alertId) return;
    Object.assign(this, next);
    this.forgetPictures();
    this.drawAll();
    byId("detail").focus({ preventScroll: true });
    byId("main").scrollTo(0, 0);
  }

  close() {
    this.wanted = "";
    this.alert = null;
    this.forgetPictures();
    byId("alert").hidden = true;
    byId("alert").replaceChildren();
    byId("empty").hidden = false;
  }

  // What this officer said of it, and, once they have compared, how rare such a likeness is and what came before.
  async ask(into = this) {
    const alertId = into.alert.id;
    const quiet = (path) => this.link.get(path).catch(() => null);
    const own = into.alert.status === "new" ? await quiet(`/v1/alerts/${alertId}/own`) : null;
    if (into.alert?.id !== alertId) return;
    if (own) {
      into.own = own.records.filter((record) => record.decision);
      if (into.own.length) given(alertId);
      const found = own.records.findLast((record) => record.comparison);
      if (found && into.compared && !Object.keys(into.comparison).length) into.comparison = { ...found.comparison };
    }
    if (!into.compared && !into.own.length) return;
    const [likelihood, page] = await Promise.all([quiet(`/v1/alerts/${alertId}/likelihood`),
      quiet(`/v1/alerts?entry_id=${encodeURIComponent(into.alert.entry_id)}&limit=6`)]);
    if (into.alert?.id !== alertId) return;
    into.likelihood = likelihood;
    into.earlier = page ? page.alerts.filter((alert) => alert.id !== alertId) : null;
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
          this.others(alert.enrolled, "enrolled", t("alert.others"), "alert.other"),
          this.others(alert.views, "view", t("alert.views"), "alert.view"),
          h("div", { class: "scene" }, this.figure("scene", h("b", {}, t("alert.scene")), t("alert.others_hidden")))),
        h("div", { id: "steps", class: "steps" })),
      h("div", { id: "decide", class: "decide" }),
    );
    this.drawSteps();
  }

  status() {
    const state = stateOf(this.alert);
    return h("span", { class: `tag ${this.alert.status} ${state}`, id: "status" }, t(state === "decided" ? "status.decided" : `list.${state}`));
  }

  about() {
    const alert = this.alert;
    const seen = alert.sightings;
    return h("div", { id: "about" }, facts([
      [t("alert.if_confirmed"), alert.action ? named("action", alert.action) : t("alert.no_action")],
      [t("filter.camera"), alert.camera],
      [t("alert.time"), moment(alert.captured_at)],
      [t("page.deployment"), alert.deployment || "–"],
      seen.count > 1 && [t("alert.again"), t("alert.more", { count: seen.count - 1 }), moment(seen.last)],
      alert.hold && [t("hold.held"), alert.hold.reason, alert.hold.by],
    ], "about"));
  }

  others(paths, kind, title, alt) {
    return paths.length ? h("div", { class: "views", role: "group", "aria-label": title }, h("p", { class: "small" }, title),
      paths.map((path, place) => this.picture(`${kind}${place + 1}`, path, t(alt, { number: place + 1 })))) : null;
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
    const done = await attempt(byId("compared-fault"), async () => {
      const alert = await this.link.post(`/v1/alerts/${alertId}/comparison`, { comparison: this.comparison });
      if (this.id === alertId) this.alert = alert;
    }, [byId("compared")]);
    if (!done || this.id !== alertId) return;
    this.compared = true;
    this.drawSteps();
    byId("figures").focus({ preventScroll: true });
    byId("figures").scrollIntoView({ block: "nearest" });
    await this.ask();
    if (this.id === alertId) this.drawSteps();
  }
}
