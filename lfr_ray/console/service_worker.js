// Makes the console installable and says what is wrong where there is no connection. It keeps the page's own files
// and nothing else: never an alert, a picture or anything that the site answers.

const SHELL = "console-shell";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const own = address.origin === self.location.origin && event.request.method === "GET";
  if (!own || !(address.pathname.startsWith("/console/") || event.request.mode === "navigate")) return;
  const key = event.request.mode === "navigate" ? "/" : event.request;
  event.respondWith((async () => {
    const cache = await caches.open(SHELL);
    try {
      const answer = await fetch(event.request);
      if (answer.ok) await cache.put(key, answer.clone());
      return answer;
    } catch (error) {
      const kept = await cache.match(key);
      if (kept) return kept;
      throw error;
    }
  })());
});
