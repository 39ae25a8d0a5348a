// Totals say nothing about now: rates of the last minutes, from two looks at the totals.

const WINDOW_MS = 60_000;

export class CameraRates {
  looks = new Map();

  note(cameras, now = Date.now()) {
    for (const camera of cameras) {
      const looks = (this.looks.get(camera.name) || []).filter((one) => now - one.at < WINDOW_MS);
      looks.push({ at: now, frames: camera.frames, dropped: camera.frames_dropped });
      this.looks.set(camera.name, looks);
    }
  }

  // Share of the frames of the last minute that nobody looked at; null while that is not known.
  dropped(name) {
    const looks = this.looks.get(name) || [];
    const [first, last] = [looks[0], looks.at(-1)];
    if (!first || first === last) return null;
    const frames = last.frames - first.frames;
    return frames > 0 ? Math.min(1, Math.max(0, (last.dropped - first.dropped) / frames)) : null;
  }
}

// Faces an hour over the last minutes, from two looks at the totals.
export class Footfall {
  looks = [];

  note(cameras, now = Date.now()) {
    const faces = Object.values(cameras).reduce((sum, one) => sum + one.faces_seen, 0);
    this.looks = [...this.looks.filter((one) => now - one.at < 600_000), { at: now, faces }];
    const [first, last] = [this.looks[0], this.looks.at(-1)];
    return last.at - first.at < 10_000 ? null : Math.max(0, (last.faces - first.faces) / (last.at - first.at) * 3_600_000);
  }
}
