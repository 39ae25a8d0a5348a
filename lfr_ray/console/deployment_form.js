// Opening and closing a deployment: asked for here, signed and done by command where the authorising officer's key is.

import { h } from "./elements.js";
import { handover } from "./handover.js";
import { CATEGORIES } from "./list_form.js";
import { named, t } from "./text.js";

const CASES = ["crime-hotspot", "protective-security", "intelligence-located"];
const DOCUMENTS = ["policy", "impact_assessment", "equality_assessment", "appropriate_policy"];
const ID = "[A-Za-z0-9][A-Za-z0-9_.\\-]*";

export function openingCard(cameras) {
  const field = (name, more = {}) => h("label", {}, h("span", {}, t(`open.${name}`)), h("input", { id: `open-${name}`, autocomplete: "off", required: true, maxlength: "2000", ...more }));
  const degrees = (name, most) => field(name, { type: "number", step: "any", min: -most, max: most });
  const ticks = (name, values, shown) => h("fieldset", {}, h("legend", {}, t(`open.${name}`)), values.map((value) =>
    h("label", { class: "tick" }, h("input", { type: "checkbox", name: `open-${name}`, value }), " ", shown(value))));
  const form = h("form", { class: "form", onsubmit: (event) => event.preventDefault() },
    h("div", { class: "pair" }, field("deployment", { pattern: ID, maxlength: "64" }), field("applicant", { placeholder: "1234:inspector", pattern: `${ID}:.+` })),
    field("purpose"), field("legal_basis"), field("why"),
    h("div", { class: "pair" }, field("name"), h("label", {}, h("span", {}, t("open.case")), h("select", { id: "open-case" },
      CASES.map((one) => h("option", { value: one }, named("case", one)))))),
    field("rationale"),
    h("div", { class: "pair" }, degrees("latitude", 90), degrees("longitude", 180), field("radius_m", { type: "number", min: "1" })),
    ticks("who", CATEGORIES.filter((one) => !["blue-list", "test"].includes(one)), (one) => named("category", one)),
    ticks("cameras", cameras, (one) => one),
    h("div", { class: "pair" }, field("starts_at", { type: "datetime-local" }), field("hours", { type: "number", min: "0.25", max: "720", step: "0.25" })),
    h("div", { class: "pair" }, DOCUMENTS.map((one) => field(one))));

  const value = (name) => form.querySelector(`#open-${name}`).value;
  const ticked = (name) => [...form.querySelectorAll(`[name=open-${name}]:checked`)].map((one) => one.value);
  function asked() {
    for (const name of ["who", "cameras"]) {
      form.querySelector(`[name=open-${name}]`)?.setCustomValidity(ticked(name).length ? "" : t("open.at_least_one"));
    }
    if (!form.reportValidity()) throw { detail: t("open.incomplete") };
    const [id, rank] = value("applicant").split(/:(.*)/s);
    return {
      kind: "live", ...Object.fromEntries(["deployment", "purpose", "legal_basis", "why"].map((name) => [name, value(name)])),
      where: { case: value("case"), name: value("name"), rationale: value("rationale"),
        ...Object.fromEntries(["latitude", "longitude", "radius_m"].map((name) => [name, Number(value(name))])) },
      who: ticked("who"), cameras: ticked("cameras"), starts_at: new Date(value("starts_at")).toISOString(), hours: Number(value("hours")),
      documents: Object.fromEntries(DOCUMENTS.map((name) => [name, value(name)])), applicant: { id, rank },
    };
  }
  return h("details", { class: "card whole", id: "opening" }, h("summary", {}, h("h2", {}, t("open.title"))),
    h("p", { class: "small" }, t("open.how")), form,
    handover({ name: "opening.yaml", file: asked, command: "lfr deployment open --from opening.yaml --key KEY --site SITE.yaml" }));
}

export function closingCard(deployment) {
  const reason = h("input", { id: "close-reason", maxlength: "300", autocomplete: "off" });
  const command = h("p", { class: "mono", id: "close-command" });
  const quoted = () => `'${reason.value.trim().replaceAll("'", "'\\''")}'`;
  const draw = () => { command.textContent = `lfr deployment close ${deployment}${reason.value.trim() ? ` --reason ${quoted()}` : ""} --site SITE.yaml`; };
  reason.addEventListener("input", draw);
  draw();
  return h("details", { class: "card whole", id: "closing" }, h("summary", {}, h("h2", {}, t("close.title"))),
    h("p", {}, t("close.how")), h("label", {}, t("stop.reason"), reason), command);
}
