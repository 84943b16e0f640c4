/** Roles and scopes: what somebody may be allowed to do. A table without I/O. */
import { type AdminRole, adminRole } from "@ems/schema/enums"

/** Weakest first; each may do what the ones before it may. */
export type Role = AdminRole

export const roles: ReadonlyArray<Role> = adminRole.enumValues

/** Whether `role` is `needed` or a stronger one. */
export const includes = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** Each scope with the weakest role that has it. */
const neededFor = {
  "database:read": "viewer",
  "metrics:read": "viewer",
  "events:read": "viewer",
  "database:maintain": "operator",
  "database:signal": "operator",
  "database:explain": "operator",
  "access:manage": "admin"
} as const satisfies { readonly [scope: string]: Role }

/**
 * - `database:read`: health, figures, statements without values.
 * - `metrics:read`: the Prometheus endpoint.
 * - `events:read`: the events themselves.
 * - `database:maintain`: maintenance jobs.
 * - `database:signal`: cancel and terminate sessions.
 * - `database:explain`: plans of statements.
 * - `access:manage`: accounts, tokens, the audit log.
 */
export type Scope = keyof typeof neededFor

/** All of them. */
export const scopes = Object.keys(neededFor) as ReadonlyArray<Scope>

const byRole: { readonly [R in Role]: ReadonlySet<Scope> } = {
  viewer: new Set(scopes.filter((scope) => includes("viewer", neededFor[scope]))),
  operator: new Set(scopes.filter((scope) => includes("operator", neededFor[scope]))),
  admin: new Set(scopes)
}

/** Everything that `role` may. */
export const scopesOf = (role: Role): ReadonlySet<Scope> => byRole[role]
