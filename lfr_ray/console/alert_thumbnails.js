// Small pictures for the list: fetched when they come into sight, forgotten when their alert leaves it.

import { h } from "./dom_elements.js";

export class Pictures {
  constructor(link) {
    this.link = link;
    this.shown = new Map();
    this.watcher = new IntersectionObserver((seen) => {
      for (const one of seen) if (one.isIntersecting) this.load(one.target);
    }, { rootMargin: "200px" });
  }

  // The same element for the same picture, so that drawing the list anew loads nothing again.
  thumb(path) {
    if (!this.shown.has(path)) {
      const image = h("img", { alt: "", class: "thumb", "data-path": path, width: 52, height: 64 });
      this.shown.set(path, image);
      this.watcher.observe(image);
    }
    return this.shown.get(path);
  }

  async load(image) {
    this.watcher.unobserve(image);
    try {
      const url = await this.link.picture(image.dataset.path);
      if (this.shown.get(image.dataset.path) === image) image.src = url;
      else URL.revokeObjectURL(url);
    } catch {
      image.classList.add("missing");
    }
  }

  // Keeps only these.
  keep(paths) {
    for (const [path, image] of this.shown) {
      if (paths.has(path)) continue;
      this.watcher.unobserve(image);
      if (image.src) URL.revokeObjectURL(image.src);
      this.shown.delete(path);
    }
  }
}
