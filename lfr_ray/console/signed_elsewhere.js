// Something that is signed where the signer's key is: saved here, signed there, handed in again. No private key comes here.

import { h, problemText } from "./dom_elements.js";
import { t } from "./translation.js";

export function save(name, content, type = "application/json") {
  const address = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Steps: a button that saves, the command to be typed there and, where ``hand`` takes it, the file that the command wrote.
export function handover({ name, file, command, hand = null }) {
  const fault = h("p", { class: "fault", role: "alert" });
  const told = h("p", { class: "good", role: "status" });
  const quiet = async (work) => {
    fault.textContent = told.textContent = "";
    try {
      await work();
    } catch (error) {
      fault.textContent = error instanceof SyntaxError ? t("sign.no_signature") : problemText(error);
    }
  };
  const button = h("button", { type: "button", onclick: () => quiet(async () => save(name, `${JSON.stringify(await file(), null, 2)}\n`)) }, t("sign.save"));
  const input = h("input", { type: "file", accept: ".json,application/json", id: "sign-file" });
  const drop = h("label", { class: "drop" }, h("span", {}, t("sign.hand")), input);
  let busy = false;
  const take = async (given) => {
    if (!given || busy) return;
    busy = true;
    await quiet(async () => {
      const text = await given.text();
      input.value = ""; // the same file, written anew, can be chosen again
      told.textContent = await hand(JSON.parse(text));
    });
    busy = false;
  };
  for (const [kind, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.toggle("over", over); });
  }
  drop.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
  input.addEventListener("change", () => take(input.files[0]));
  return h("div", {}, h("ol", { class: "commands" }, h("li", {}, button), h("li", {}, t("sign.there"), " ", h("span", { class: "mono" }, command)),
    hand ? h("li", {}, drop) : null), fault, told);
}
