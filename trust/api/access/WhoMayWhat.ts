/**
 * Who may call what, written down by hand from `docs/api.md`: a wrong declaration in the product is to be seen, so
 * nothing here is read from it.
 */
import type { Role, Scope } from "@ems/access/Role"

export type Rule = "anybody" | { readonly role: Role; readonly scope: Scope; readonly isOptional?: true }

export interface Row {
  /** With `{name}`, as in the OpenAPI document. */
  readonly path: string
  readonly method: string
  readonly rule: Rule
  /** Sent when there is a body: changes nothing. */
  readonly body: string | undefined
  /** The answer to who may: of a request by which nothing happens. */
  readonly status: number
}

const anybody = "anybody"
const reads = { role: "viewer", scope: "database:read" } as const
const measures = { role: "viewer", scope: "metrics:read" } as const
const seesEvents = { role: "viewer", scope: "events:read" } as const
const maintains = { role: "operator", scope: "database:maintain" } as const
const signals = { role: "operator", scope: "database:signal" } as const
const explains = { role: "operator", scope: "database:explain" } as const
const manages = { role: "admin", scope: "access:manage" } as const

const row = (method: string, path: string, rule: Rule, status = 200): Row => ({
  method,
  path,
  rule,
  status,
  body: method === "POST" ? "{}" : undefined
})

/** A body without what it must have: whoever is let in is told so. */
const unacceptable = 422

/** There is no such thing as the path names. */
const missing = 404

export const rows: ReadonlyArray<Row> = [
  row("GET", "/", anybody),
  row("GET", "/livez", anybody),
  row("GET", "/readyz", anybody),
  row("GET", "/openapi", anybody),
  row("GET", "/openapi/json", anybody),
  row("GET", "/openapi/assets/{name}", anybody, unacceptable),
  row("GET", "/api/db/health", { ...reads, isOptional: true }),
  row("GET", "/metrics", measures),
  row("GET", "/api/db/cache", reads),
  row("GET", "/api/db/metrics", reads),
  row("GET", "/api/db/queries", reads),
  row("GET", "/api/db/queries/{id}", reads, missing),
  row("GET", "/api/db/slow-queries", reads),
  row("GET", "/api/db/activity", reads),
  row("GET", "/api/db/blocking", reads),
  row("GET", "/api/db/connections", reads),
  row("GET", "/api/db/space", reads),
  row("GET", "/api/db/tables", reads),
  row("GET", "/api/db/indexes", reads),
  row("GET", "/api/db/vacuum", reads),
  row("GET", "/api/db/sequences", reads),
  row("GET", "/api/db/checks", reads),
  row("GET", "/api/db/status", reads),
  row("GET", "/api/db/top", reads),
  row("GET", "/api/db/migrations", reads),
  row("GET", "/api/events", seesEvents),
  row("GET", "/api/events/{id}", seesEvents, missing),
  row("POST", "/api/auth/login", anybody, unacceptable),
  row("POST", "/api/auth/refresh", anybody, unacceptable),
  row("POST", "/api/auth/logout", anybody, unacceptable),
  row("POST", "/api/auth/first-admin", anybody, unacceptable),
  row("GET", "/api/auth/me", reads),
  row("GET", "/api/auth/tokens", manages),
  row("POST", "/api/auth/tokens", manages, unacceptable),
  row("DELETE", "/api/auth/tokens/{id}", manages, missing),
  row("GET", "/api/audit", manages),
  row("POST", "/api/db/maintenance", maintains, unacceptable),
  row("GET", "/api/db/maintenance/jobs", reads),
  row("GET", "/api/db/maintenance/jobs/{id}", reads, missing),
  row("DELETE", "/api/db/maintenance/jobs/{id}", maintains, missing),
  row("GET", "/api/db/maintenance/jobs/{id}/events", reads, missing),
  row("POST", "/api/db/activity/{pid}/cancel", signals, unacceptable),
  row("POST", "/api/db/activity/{pid}/terminate", signals, unacceptable),
  row("POST", "/api/db/explain", explains, unacceptable)
]

/** By hand too: what a role may is part of the table. */
const strength: { readonly [R in Role]: number } = { viewer: 1, operator: 2, admin: 3 }

const viewerScopes: ReadonlyArray<Scope> = ["database:read", "metrics:read", "events:read"]
const operatorScopes: ReadonlyArray<Scope> = [
  ...viewerScopes,
  "database:maintain",
  "database:signal",
  "database:explain"
]

export const scopesOf: { readonly [R in Role]: ReadonlyArray<Scope> } = {
  viewer: viewerScopes,
  operator: operatorScopes,
  admin: [...operatorScopes, "access:manage"]
}

/** What a good credential stands for. */
export interface Bearer {
  readonly role: Role
  readonly scopes: ReadonlyArray<Scope>
}

export const allows = (rule: Exclude<Rule, "anybody">, { role, scopes }: Bearer): boolean =>
  strength[role] >= strength[rule.role] && scopes.includes(rule.scope)
