import { randomBytes } from "node:crypto"

/** Owns nothing and obeys row security. Of this process alone: roles are the server's, and others may use the same one. */
export const plainRole = `trust_app_${randomBytes(4).toString("hex")}`
