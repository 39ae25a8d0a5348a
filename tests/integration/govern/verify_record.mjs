// Verifies a public record without any of our code. node verify_record.mjs RECORD.json KEY_ID
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

// RFC 8785: keys sorted by UTF-16 code units (JavaScript's own order); numbers and texts as JSON.stringify writes them.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${fields.join(",")}}`;
}

const { record, sha256, signature, public_key } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const raw = Buffer.from(public_key, "hex");
const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") } });
const message = Buffer.from(canonical(["lfr-ray", "public record", signature.at, record]));
const known = createHash("sha256").update(raw).digest("hex").slice(0, 16) === process.argv[3];
const whole = createHash("sha256").update(canonical(record)).digest("hex") === sha256;
const signed = verify(null, message, key, Buffer.from(signature.value, "base64"));
console.log(known && whole && signed ? "it holds" : "it does not hold");
process.exit(known && whole && signed ? 0 : 1);
