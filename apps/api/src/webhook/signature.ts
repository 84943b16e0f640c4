/** Signs as Standard Webhooks has it (symmetric, version 1): whoever has the key can tell our news from others'. */
import { createHmac } from "node:crypto"

/** `timestamp` in seconds since the epoch. */
export const sign = (key: Uint8Array, id: string, timestamp: number, body: string): string =>
  `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`
