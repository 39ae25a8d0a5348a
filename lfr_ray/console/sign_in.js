// Who is deciding: the officer's id and, where the site asks for one, the token.

import { byId, problemText } from "./elements.js";
import { t } from "./text.js";

export class SignIn {
  constructor(link, onSigned) {
    this.link = link;
    this.needsToken = false;
    link.onToken = () => { this.needsToken = true; };
    const dialog = byId("sign-in");
    dialog.addEventListener("cancel", (event) => { if (!link.officer) event.preventDefault(); });
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      link.officer = byId("officer-id").value.trim();
      if (this.needsToken) link.token = byId("token").value.trim();
      this.needsToken = false;
      onSigned();
    });
    byId("officer").addEventListener("click", () => this.ask());
    byId("sign-out").addEventListener("click", () => link.signOut());
  }

  ask(fault = "") {
    byId("officer-id").value = this.link.officer;
    byId("sign-out").hidden = !this.link.officer;
    byId("token-row").hidden = !this.needsToken;
    byId("token").required = this.needsToken;
    byId("token-fault").textContent = fault;
    if (!byId("sign-in").open) byId("sign-in").showModal();
    byId(this.link.officer && this.needsToken ? "token" : "officer-id").focus();
  }

  // Whether the server refused who is asking; then they are asked again.
  refused(error) {
    if (this.needsToken) this.ask(byId("token").value ? t("sign_in.invalid") : "");
    else if (error.status === 403) {
      this.needsToken = true;
      this.ask(problemText(error));
    } else return false;
    return true;
  }

  done() {
    byId("sign-in").close();
    byId("officer").textContent = this.link.officer;
  }
}
