// The selected alert: pictures first, then the officer's own comparison, then the machine's figures.

import { byId, capital, chance, figure, h, moment, problemText, words } from "./elements.js";
import { decisionStep, outcomeStep } from "./verdict.js";

const FEATURES = [
  ["face_outline", "Face outline"],
  ["forehead", "Forehead, hairline"],
  ["eyes_brows", "Eyes, eyebrows"],
  ["nose", "Nose"],
  ["mouth_chin", "Mouth, chin"],
  ["ears", "Ears"],
  ["marks", "Scars, marks"],
];
const FINDINGS = [["agrees", "Agrees"], ["differs", "Differs"], ["unclear", "Unclear"]];
const LEAST_FINDINGS = 3;
const CAUTIONS = {
  possible_relative: ["Possible relative", "People on the list look like this one. It may be a brother, a sister or a lookalike."],
  small_margin: ["Close runner-up", "Another entry of the list is almost as similar."],
  single_entry_list: ["No runner-up", "The list has one entry, so a lead over others says nothing."],
  partly_covered: ["Face partly covered", "A half of the face is covered. The comparison rests on the other half."],
};

export class AlertView {
  constructor(link, onChanged, onClose) {
    this.link = link;
    this.onChanged = onChanged;
    this.onClose = onClose;
    this.alert = null;
    this.urls = [];
    this.comparison = {};
    this.compared = false;
  }

  get id() {
    return this.alert ? this.alert.id : "";
  }

  async open(alertId) {
    this.alert = await this.link.get(`/v1/alerts/${alertId}`);
    this.comparison = {};
    this.compared = this.alert.figures_given;
    this.forgetPictures();
    this.drawAll();
    byId("detail").focus({ preventScroll: true });
    byId("detail").scrollIntoView({ block: "nearest" });
  }

  close() {
    this.alert = null;
    this.forgetPictures();
    byId("alert").hidden = true;
    byId("alert").replaceChildren();
    byId("empty").hidden = false;
  }

  // What happened elsewhere; what this officer is filling in is not disturbed.
  update(alert) {
    if (!this.alert || alert.id !== this.alert.id) return;
    const decidedNow = JSON.stringify([alert.decision, alert.outcome, alert.case]) !==
      JSON.stringify([this.alert.decision, this.alert.outcome, this.alert.case]);
    this.alert = { ...this.alert, ...alert };
    byId("about").replaceWith(this.about());
    byId("status").replaceWith(this.status());
    if (decidedNow) this.drawSteps();
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
        h("button", { type: "button", class: "back quiet", onclick: this.onClose }, "‹ All alerts"),
        h("h2", {}, alert.name || alert.entry_id),
        this.status(),
        h("span", { class: "tag" }, capital(words(alert.category)))),
      this.about(),
      h("div", { class: "work" },
        h("div", { class: "pictures" },
          h("div", { class: "faces" },
            this.figure("face", h("b", {}, "Seen"), alert.camera, ", ", moment(alert.captured_at)),
            this.figure("watchlist", h("b", {}, "Enrolled"), "Watchlist, ", alert.entry_id)),
          h("div", { class: "scene" },
            this.figure("scene", h("b", {}, "Scene"), "Everyone else is made unrecognisable."))),
        h("div", { id: "steps", class: "steps" })),
    );
    this.drawSteps();
  }

  status() {
    const fresh = this.alert.status === "new";
    return h("span", { class: fresh ? "tag new" : "tag", id: "status" }, fresh ? "To decide" : "Decided");
  }

  about() {
    const alert = this.alert;
    const seen = alert.sightings;
    const facts = [
      ["If confirmed", alert.action ? capital(words(alert.action)) : "No action requested"],
      ["Camera", alert.camera],
      ["Time", moment(alert.captured_at)],
      ["Deployment", alert.deployment || "–"],
    ];
    if (seen.count > 1) facts.push(["Seen again", h("span", {}, `${seen.count - 1} more, last `, moment(seen.last))]);
    return h("dl", { class: "about", id: "about" },
      facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  figure(kind, ...caption) {
    const alertId = this.alert.id;
    const holder = h("div", { class: "missing" }, "Loading");
    const label = { face: "The face that was seen", watchlist: "The enrolled picture", scene: "The scene" }[kind];
    this.link.picture(this.alert.images[kind]).then((url) => {
      if (this.id !== alertId) return URL.revokeObjectURL(url);
      this.urls.push(url);
      return holder.replaceWith(h("button", {
        type: "button", class: "picture", title: "Enlarge", onclick: () => this.enlarge(kind),
      }, h("img", { src: url, alt: label, "data-kind": kind })));
    }).catch((error) => {
      holder.textContent = error.status === 404 ? "No picture" : "The picture cannot be loaded";
    });
    return h("figure", {}, holder, h("figcaption", {}, ...caption));
  }

  // Both faces at once, as large as the screen allows; the scene by itself.
  enlarge(kind) {
    const kinds = kind === "scene" ? ["scene"] : ["face", "watchlist"];
    const found = kinds.map((one) => byId("alert").querySelector(`img[data-kind=${one}]`)).filter(Boolean);
    byId("large").replaceChildren(...found.map((image) => h("img", { src: image.src, alt: image.alt })));
    byId("zoom").showModal();
  }

  drawSteps() {
    const decided = this.alert.status === "decided";
    const steps = decided ? [] : [this.comparisonStep()];
    if (this.compared || decided) steps.push(this.figuresStep(decided ? null : 2));
    steps.push(decisionStep(this, decided ? null : this.compared ? 3 : 2));
    if (decided) steps.push(outcomeStep(this));
    byId("steps").replaceChildren(...steps);
  }

  comparisonStep() {
    const done = h("button", { type: "button", class: "main", id: "compared", disabled: true, onclick: () => this.reveal() },
      "Done, show the figures");
    const count = () => {
      done.disabled = Object.keys(this.comparison).length < LEAST_FINDINGS;
    };
    const rows = FEATURES.map(([name, label]) => h("fieldset", { class: "feature" },
      h("legend", {}, label),
      h("div", { class: "choices" }, FINDINGS.map(([finding, text]) => h("label", {},
        h("input", {
          type: "radio", name: `feature-${name}`, value: finding, disabled: this.compared,
          checked: this.comparison[name] === finding,
          onchange: () => { this.comparison[name] = finding; count(); },
        }),
        h("span", {}, text))))));
    count();
    return h("section", { class: "step", "aria-label": "Your comparison" },
      h("h3", {}, h("span", { class: "number", "aria-hidden": "true" }, "1"), "Compare the faces yourself"),
      h("p", {}, `Leave out hair, glasses and clothes. Judge at least ${LEAST_FINDINGS} features; the figures come after.`),
      h("div", { class: "features" }, rows),
      this.compared ? null : h("div", { class: "actions" }, done),
      h("p", { class: "fault", role: "alert", id: "compared-fault" }));
  }

  // The server gives figures only to who has compared.
  async reveal() {
    byId("compared").disabled = true;
    try {
      this.alert = await this.link.post(`/v1/alerts/${this.id}/comparison`, { comparison: this.comparison });
    } catch (error) {
      byId("compared-fault").textContent = problemText(error);
      return;
    }
    this.compared = true;
    this.drawSteps();
    byId("figures").focus();
  }

  figuresStep(number) {
    const alert = this.alert;
    const cells = [
      ["Probability", chance(alert.probability), alert.probability === null ? "the model is not calibrated" : "that it is this person"],
      ["Views that agree", `${alert.views_agreeing} of ${alert.views_compared}`, "looks at this face"],
      ["Lead over the next", alert.list_size > 1 ? figure(alert.margin) : "–", alert.runner_up ? `over ${alert.runner_up}` : "no other entry"],
      ["Visible", alert.regions_visible.length > 1 ? "whole face" : `${alert.regions_visible[0]} half`,
        alert.regions_visible.length > 1 ? "nothing covered" : "the other half is covered"],
      ["List", String(alert.list_size), "entries compared"],
    ];
    return h("section", { class: "step", id: "figures", tabindex: "-1", "aria-label": "Figures" },
      h("h3", {}, number ? h("span", { class: "number", "aria-hidden": "true" }, number) : null, "What the machine measured"),
      alert.cautions.map((name) => this.caution(name)),
      h("dl", { class: "figures" }, cells.map(([name, value, note]) => h("div", { class: "figure" },
        h("dt", {}, name), h("dd", {}, value, h("small", {}, note))))));
  }

  caution(name) {
    const [title, text] = CAUTIONS[name] || [capital(words(name)), ""];
    const who = name === "possible_relative" && this.alert.relatives.length
      ? ` Entries: ${this.alert.relatives.join(", ")}.` : "";
    return h("div", { class: "caution", role: "note" },
      h("span", { "aria-hidden": "true" }, "⚠"), h("div", {}, h("b", {}, title), text + who));
  }
}
