// Opening and closing the deployment that the site's file names; what an officer signs is signed where their key is.

import { attempt, h, number } from "./dom_elements.js";
import { handover } from "./signed_elsewhere.js";
import { cellsOf } from "./watchlist_csv.js";
import { CATEGORIES } from "./watchlist_form.js";
import { named, t } from "./translation.js";

const CASES = ["crime-hotspot", "protective-security", "intelligence-located"];
const DOCUMENTS = ["policy", "impact_assessment", "equality_assessment", "appropriate_policy"];
const ID = "[A-Za-z0-9][A-Za-z0-9_.\\-]*";

// A live deployment: the site says what is to be signed, and takes it in signed.
export function openingCard(link, cameras, opened) {
  const field = (name, more = {}) => h("label", {}, h("span", {}, t(`open.${name}`)), h("input", { id: `open-${name}`, autocomplete: "off", required: true, maxlength: "2000", ...more }));
  const degrees = (name, most) => field(name, { type: "number", step: "any", min: -most, max: most });
  const officer = (name) => field(name, { placeholder: "1234:inspector", pattern: `${ID}:.+` });
  const ticks = (name, values, shown) => h("fieldset", {}, h("legend", {}, t(`open.${name}`)), values.map((value) =>
    h("label", { class: "tick" }, h("input", { type: "checkbox", name: `open-${name}`, value }), " ", shown(value))));
  const form = h("form", { class: "form", onsubmit: () => {} },
    h("div", { class: "pair" }, officer("applicant"), officer("authorising_officer")),
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
  const ranked = (name) => { const [id, rank] = value(name).split(/:(.*)/s); return { id, rank }; };
  function asked() {
    for (const name of ["who", "cameras"]) {
      form.querySelector(`[name=open-${name}]`)?.setCustomValidity(ticked(name).length ? "" : t("open.at_least_one"));
    }
    if (!form.reportValidity()) throw { detail: t("open.incomplete") };
    return link.post("/v1/deployments/proposal", {
      ...Object.fromEntries(["purpose", "legal_basis", "why"].map((name) => [name, value(name)])),
      where: { case: value("case"), name: value("name"), rationale: value("rationale"),
        ...Object.fromEntries(["latitude", "longitude", "radius_m"].map((name) => [name, Number(value(name))])) },
      who: ticked("who"), cameras: ticked("cameras"), starts_at: new Date(value("starts_at")).toISOString(), hours: Number(value("hours")),
      documents: Object.fromEntries(DOCUMENTS.map((name) => [name, value(name)])),
      applicant: ranked("applicant"), authorising_officer: ranked("authorising_officer"),
    });
  }
  const hand = async ({ authority, signature }) => {
    if (!authority || !signature) throw new SyntaxError();
    const done = await link.post("/v1/deployments/signed", { authority, signature });
    await opened();
    return t("open.opened", { deployment: done.id });
  };
  return card("opening", t("open.title"), h("p", { class: "small" }, t("open.how")), form,
    handover({ name: "authority.json", file: asked, command: "lfr deployment sign authority.json --key KEY --json signed.json", hand }));
}

// A test, or a trial with everybody's consent: the site's own key signs it, at an administrator's word.
export function ownCard(link, kind, opened) {
  const hours = h("input", { id: "own-hours", type: "number", min: "0.25", max: kind === "trial" ? "24" : "720", step: "0.25", value: "24", required: true });
  const file = h("input", { id: "own-consents", type: "file", accept: ".csv,text/csv", required: true });
  return acting("opening", t("open.title"), t("open.go"), async () => {
    const rows = kind === "trial" ? cellsOf(await file.files[0].text()) : [];
    const [entry, at] = ["entry_id", "consented_at"].map((name) => (rows[0] || []).findIndex((cell) => cell.trim() === name));
    const consents = Object.fromEntries(rows.slice(1).map((row) => [row[entry]?.trim(), row[at]?.trim()]));
    const done = await link.post("/v1/deployments/own", { hours: Number(hours.value), consents });
    await opened();
    return t("open.opened", { deployment: done.id });
  }, h("p", { class: "small" }, t(`open.${kind}.how`)), h("label", {}, h("span", {}, t("open.hours")), hours),
  kind === "trial" ? h("label", {}, h("span", {}, t("open.consents")), file) : null);
}

// What it held is destroyed: nobody does that by a slip of the hand.
export function closingCard(link, deployment, closed) {
  const reason = h("input", { id: "close-reason", maxlength: "300", autocomplete: "off", required: true });
  const again = h("input", { id: "close-id", autocomplete: "off", required: true, pattern: deployment.replaceAll(".", "\\.") });
  return acting("closing", t("close.title"), t("close.go"), async () => {
    const receipt = await link.post(`/v1/deployments/${deployment}/closing`, { reason: reason.value });
    await closed();
    const gone = Object.entries(receipt.destroyed).map(([store, counts]) => `${store}: ${Object.entries(counts).map(([name, count]) => `${number(count)} ${name}`).join(", ")}`);
    return t("close.done", { gone: gone.join("; "), files: number(receipt.scanned_files), found: number(receipt.found_after), receipt: receipt.receipt_sha256.slice(0, 16) });
  }, h("p", {}, t("close.how")), h("label", {}, h("span", {}, t("stop.reason")), reason), h("label", {}, h("span", {}, t("close.again", { deployment })), again));
}

const card = (id, title, ...children) => h("details", { class: "card whole", id }, h("summary", {}, h("h2", {}, title)), ...children);

// A form with one button; what came of it is told below.
function acting(id, title, button, act, ...fields) {
  const fault = h("p", { class: "fault", role: "alert" });
  const told = h("p", { class: "good", role: "status" });
  const go = h("button", { type: "submit", class: "main" }, button);
  const form = h("form", { class: "form", onsubmit: () => {
    told.textContent = "";
    attempt(fault, async () => {
      told.textContent = await act();
      form.hidden = true;
    }, [go]);
  } }, ...fields, h("div", { class: "actions" }, go));
  return card(id, title, form, fault, told);
}
