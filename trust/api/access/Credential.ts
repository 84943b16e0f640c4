/** What somebody may present, and what it stands for. */
import type { Role } from "@ems/access/Role"
import { type Bearer, scopesOf } from "./WhoMayWhat.ts"

export interface Credential {
  readonly name: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** Added to the query. */
  readonly query?: string
  /** `nobody`: no credential. `invalid`: one that must not be believed, so that nothing is opened to it. */
  readonly is: "nobody" | "invalid" | Bearer
  /** Part of a quick run. */
  readonly quick: boolean
}

/** The scheme and the token as they are sent. */
export const header = (value: string): Credential["headers"] => [["authorization", value]]

const token = (text: string) => header(`Bearer ${text}`)

export const invalid = (name: string, text: string, quick = false): Credential => ({
  name,
  headers: token(text),
  is: "invalid",
  quick
})

export const good = (name: string, text: string, is: Bearer, quick = false): Credential => ({
  name,
  headers: token(text),
  is,
  quick
})

export const whole = (role: Role): Bearer => ({ role, scopes: scopesOf[role] })
