// A recording for a camera of a test: a file of one's own, or ten seconds of this machine's webcam.

import { attempt, h, number } from "./dom_elements.js";
import { loadMore, t } from "./translation.js";

const MOST_BYTES = 128 * 1024 * 1024;
const SECONDS = 10;

export async function recordingForm(link, camera) {
  await loadMore("site");
  const told = h("p", { class: "small", role: "status" });
  const fault = h("p", { class: "fault", role: "alert" });
  const screen = h("video", { class: "webcam", hidden: true, muted: true, playsinline: true, "aria-hidden": "true" });
  const input = h("input", { id: "guide-recording", type: "file", accept: "video/*" });

  async function send(video) {
    input.value = "";
    told.textContent = t("guide.uploading");
    const done = await attempt(fault, async () => {
      if (video.size > MOST_BYTES) throw { detail: t("guide.too_large", { size: number(video.size / 1024 / 1024) }) };
      const headers = { "Content-Type": video.type.split(";")[0] || "application/octet-stream" };
      await link.fetch(`/v1/cameras/${encodeURIComponent(camera)}/recording`, { method: "PUT", headers, body: video });
    });
    told.textContent = done ? t("guide.uploaded") : "";
  }

  async function record() {
    webcam.disabled = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
      screen.srcObject = stream;
      screen.hidden = false;
      screen.play();
      const parts = [];
      const recorder = new MediaRecorder(stream, { mimeType: "video/webm" });
      recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
      const over = new Promise((done) => recorder.addEventListener("stop", done));
      recorder.start();
      for (let left = SECONDS; left > 0; left -= 1) {
        told.textContent = t("guide.recording", { seconds: left });
        await new Promise((wake) => setTimeout(wake, 1000));
      }
      recorder.stop();
      await over;
      for (const track of stream.getTracks()) track.stop();
      screen.hidden = true;
      screen.srcObject = null;
      await send(new Blob(parts, { type: "video/webm" }));
    } catch (error) {
      fault.textContent = t("guide.no_webcam", { why: error.message });
    }
    webcam.disabled = false;
  }

  const webcam = h("button", { type: "button", id: "guide-webcam", onclick: record }, t("guide.webcam"));
  input.addEventListener("change", () => input.files[0] && send(input.files[0]));
  return h("div", { class: "form" }, h("p", { class: "small" }, t("guide.upload.how")),
    h("label", {}, h("span", {}, t("guide.upload")), input), h("div", { class: "actions" }, webcam), screen, told, fault);
}
