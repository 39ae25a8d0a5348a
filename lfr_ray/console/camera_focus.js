// Where a camera looks: the parts of its picture in which faces are compared, and the smallest face, over its picture.

import { attempt, caution, h, svg } from "./dom_elements.js";
import { t } from "./translation.js";

const MOST = 8;
const LEAST = 0.02; // of the picture; a smaller one is a slip of the pointer
const EDGES = ["left", "top", "width", "height"];

export class CameraFocus {
  constructor(link, name, shell) {
    Object.assign(this, { link, name, shell });
    this.inForce = { regions: [], min_face_px: null };
    this.draft = null; // while somebody sets it
    this.drawn = null; // while a pointer draws
    this.picture = [16, 9];
    this.width_px = 0;
    this.marks = svg("svg", { class: "marks", "aria-hidden": "true", onpointerdown: (event) => this.begin(event), onpointermove: (event) => this.drag(event), onpointerup: () => this.end() });
    this.rows = h("div", { class: "form" });
  }

  get shown() { return this.draft || this.inForce; }

  take(placed, width_px) {
    this.inForce = { regions: placed?.regions || [], min_face_px: placed?.min_face_px ?? null };
    this.width_px = width_px;
    this.draw();
  }

  fit(image) {
    this.picture = [image.naturalWidth || 16, image.naturalHeight || 9];
    this.draw();
  }

  draw() {
    const [width, height] = this.picture;
    const side = this.width_px ? (this.shown.min_face_px / this.width_px) * width : 0;
    const key = JSON.stringify([this.shown, this.picture, side]);
    if (key === this.key) return; // a new picture alone changes no mark
    this.key = key;
    this.marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.marks.replaceChildren(
      ...this.shown.regions.map(([left, top, wide, high]) => svg("rect", { class: "region", x: left * width, y: top * height, width: wide * width, height: high * height })),
      side ? svg("rect", { class: "smallest", x: width * 0.015, y: height - side - width * 0.015, width: side, height: side }) : "");
  }

  // For those who may set it; ``open`` is called when somebody begins.
  form(open) {
    const field = (name, more) => h("input", { id: `focus-${name}-${this.name}`, autocomplete: "off", ...more });
    this.least = field("least", { type: "number", min: "1", step: "any", oninput: () => { this.draft.min_face_px = Number(this.least.value) || null; this.draw(); } });
    this.reason = field("reason", { maxlength: "300", required: true });
    this.fault = h("p", { class: "fault", role: "alert" });
    this.told = h("p", { class: "good", role: "status" });
    this.signed = h("div", {});
    this.add = h("button", { type: "button", onclick: () => { this.draft.regions.push([0.25, 0.25, 0.5, 0.5]); this.list(); this.rows.querySelector("fieldset:last-child input").focus(); } }, t("focus.add"));
    this.element = h("details", { class: "focus", ontoggle: () => (this.element.open ? this.edit(open) : this.leave()) }, h("summary", {}, t("focus.title")),
      h("form", { class: "form", onsubmit: () => this.save() },
        h("p", { class: "small" }, t("focus.how")), this.rows, h("div", { class: "actions" }, this.add),
        h("label", {}, h("span", {}, t("focus.least")), this.least), this.signed,
        h("label", {}, h("span", {}, t("stop.reason")), this.reason),
        h("div", { class: "actions" }, h("button", { class: "main" }, t("focus.save")))), this.fault, this.told);
    return this.element;
  }

  edit(open) {
    this.draft = structuredClone(this.inForce);
    this.least.value = this.draft.min_face_px ?? "";
    this.fault.textContent = this.told.textContent = "";
    const signed = this.shell.site?.deployments.some((one) => one.authority?.configuration_signed);
    this.signed.replaceChildren(signed ? caution(t("focus.signed"), " ", t("focus.signed_note")) : "");
    this.marks.classList.add("editing");
    this.list();
    open();
  }

  leave() {
    this.draft = null;
    this.marks.classList.remove("editing");
    this.draw();
  }

  list() {
    this.rows.replaceChildren(...this.draft.regions.map((region, place) => h("fieldset", {},
      h("legend", {}, t("focus.region", { number: place + 1 })),
      h("div", { class: "edges" }, EDGES.map((edge, at) => h("label", {}, h("span", {}, t(`focus.${edge}`)), h("input", {
        type: "number", id: `focus-${edge}-${place}-${this.name}`, min: at > 1 ? "1" : "0", max: "100", step: "any", required: true, value: Math.round(region[at] * 1000) / 10,
        oninput: (event) => { region[at] = Number(event.target.value) / 100; this.draw(); },
      })))),
      h("button", { type: "button", onclick: () => { this.draft.regions.splice(place, 1); this.list(); this.add.focus(); } }, t("focus.remove", { number: place + 1 })))));
    this.add.disabled = this.draft.regions.length >= MOST;
    this.draw();
  }

  save() {
    this.told.textContent = "";
    return attempt(this.fault, async () => {
      this.inForce = await this.link.post(`/v1/cameras/${encodeURIComponent(this.name)}/focus`, { ...this.draft, reason: this.reason.value }, "PUT");
      this.told.textContent = t("focus.saved");
      this.reason.value = "";
      this.shell.refresh();
    });
  }

  at(event) {
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.marks.getScreenCTM().inverse());
    return [spot.x / this.picture[0], spot.y / this.picture[1]].map((share) => Math.min(1, Math.max(0, share)));
  }

  begin(event) {
    if (!this.draft || this.draft.regions.length >= MOST) return;
    event.preventDefault();
    this.marks.setPointerCapture(event.pointerId);
    const [x, y] = this.at(event);
    this.drawn = { x, y, region: [x, y, 0, 0] };
    this.draft.regions.push(this.drawn.region);
  }

  drag(event) {
    if (!this.drawn) return;
    const [x, y] = this.at(event);
    const { x: from, y: above, region } = this.drawn;
    region.splice(0, 4, Math.min(x, from), Math.min(y, above), Math.abs(x - from), Math.abs(y - above));
    this.draw();
  }

  end() {
    if (!this.drawn) return;
    const { region } = this.drawn;
    this.drawn = null;
    if (region[2] < LEAST || region[3] < LEAST) this.draft.regions.pop();
    this.list();
  }
}
