// Each page has its own address: reload and back work, and an alert can be named to a colleague.

import { byId, h, problemText } from "./dom_elements.js";
import { t } from "./translation.js";

const PAGES = ["alerts", "cameras", "site", "deployment", "watchlist", "record", "audit", "people", "wall"];

export class Router {
  constructor(link, onAlert) {
    this.link = link;
    this.onAlert = onAlert;
    this.name = "";
    this.leave = null;
    byId("pages").replaceChildren(...PAGES.map((name) =>
      h("a", { href: `/${name}`, "data-page": name }, t(`page.${name}`))));
    byId("menu").addEventListener("click", () => this.unfold(byId("menu").getAttribute("aria-expanded") !== "true"));
    document.addEventListener("click", (event) => {
      const anchor = event.target.closest("a[href^='/']");
      if (!anchor || "leave" in anchor.dataset || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.go(anchor.getAttribute("href"));
    });
    window.addEventListener("popstate", () => this.show());
  }

  go(address) {
    if (address !== window.location.pathname + window.location.search) window.history.pushState(null, "", address);
    this.show();
  }

  unfold(open) {
    byId("menu").setAttribute("aria-expanded", String(open));
    byId("pages").classList.toggle("open", open);
  }

  happened(event) { this.leave?.happened?.(event); }

  async show() {
    const [, name, id = ""] = window.location.pathname.split("/");
    const sees = this.link.sees;
    for (const one of ["alerts", "wall"]) byId("pages").querySelector(`[data-page=${one}]`).hidden = !sees;
    const wanted = PAGES.includes(name) && (sees || name !== "alerts") ? name : sees ? "alerts" : this.link.who.roles.includes("administrator") ? "people" : "watchlist";
    this.unfold(false);
    const moved = wanted !== this.name;
    if (moved) {
      this.leave?.close?.();
      this.leave = null;
      this.name = wanted;
      byId("page").replaceChildren();
    }
    document.body.dataset.page = wanted;
    for (const anchor of byId("pages").children) {
      if (anchor.dataset.page === wanted) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    byId("desk").hidden = wanted !== "alerts";
    byId("page").hidden = wanted === "alerts";
    this.shell.title();
    if (wanted === "alerts") return this.onAlert(decodeURIComponent(id));
    if (!moved) return undefined;
    const heading = h("h1", { tabindex: "-1" }, t(`page.${wanted}`));
    const body = h("div", { class: "cards" });
    byId("page").replaceChildren(heading, body);
    heading.focus({ preventScroll: true });
    try {
      const opened = await (await import(`./${wanted}_page.js`)).open(body, this.link, this.shell);
      if (this.name === wanted) this.leave = opened;
      else opened?.close?.();
    } catch (failure) {
      const error = failure instanceof TypeError ? {} : failure; // its script could not be fetched
      body.replaceChildren(h("p", { class: "fault", role: "alert" }, problemText(error)));
    }
    return undefined;
  }
}
