/** Who asks, once that is known. */
import { includes, type Role, type Scope, scopesOf } from "./Role.ts"

export interface Principal {
  readonly kind: "user" | "token" | "anonymous"
  /** Stable, for the audit log and rate limits: `user:42`, `token:7`, `anonymous`. Holds no personal data. */
  readonly id: string
  /** For people: an account's e-mail, a token's name. Never logged. */
  readonly name: string
  readonly role: Role
  /** What the credential may do: all that the role may, or less. */
  readonly scopes: ReadonlySet<Scope>
  /** The session that an access token belongs to: what `Sessions.logout` ends. */
  readonly sessionId?: string
  /** The database could not be asked again: what it may is less than what it may have. */
  readonly isUnverified?: true
}

/** Both have to allow it: the role, and the scope that a credential may have been narrowed to. */
export const may = (principal: Principal, role: Role, scope: Scope): boolean =>
  includes(principal.role, role) && principal.scopes.has(scope)

/** Everybody, where nobody is asked who they are. */
export const everyone: Principal = {
  kind: "anonymous",
  id: "anonymous",
  name: "anonymous",
  role: "admin",
  scopes: scopesOf("admin")
}

/** No more than a viewer: what is left to one whose credential cannot be checked again. */
export const readingOnly = (principal: Principal): Principal => ({
  ...principal,
  isUnverified: true,
  role: "viewer",
  scopes: new Set([...scopesOf("viewer")].filter((scope) => principal.scopes.has(scope)))
})
