/**
 * Who may call a route. Every route says it in its `detail`, where the OpenAPI document reads it too; an application
 * with a route that does not is not made.
 */
import type { Role, Scope } from "@ems/access/Role"
import * as Predicate from "effect/Predicate"
import type { AnyElysia } from "elysia"

/**
 * - `public`: anybody; credentials are not looked at.
 * - `optional`: anybody; whoever also has `role` and `scope` is answered more.
 * - `required`: who has at least `role`, and `scope`.
 */
export type Access =
  | { readonly kind: "public" }
  | { readonly kind: "optional" | "required"; readonly role: Role; readonly scope: Scope }

interface Description {
  readonly summary: string
  readonly description?: string
  readonly tags: Array<string>
}

const key = "x-access"

const security = (access: Access): Array<Record<string, Array<string>>> => {
  switch (access.kind) {
    case "public":
      return []
    case "optional":
      return [{}, { bearer: [] }]
    case "required":
      return [{ bearer: [] }]
  }
}

const detail = (access: Access, description: Description) => ({
  ...description,
  [key]: access,
  security: security(access)
})

/** `detail` of a route for anybody. */
export const open = (description: Description) => detail({ kind: "public" }, description)

/** `detail` of a route that answers more to those who may see it. */
export const optional = (role: Role, scope: Scope, description: Description) =>
  detail({ kind: "optional", role, scope }, description)

/** `detail` of a route for those who have at least `role`, and `scope`. */
export const only = (role: Role, scope: Scope, description: Description) =>
  detail({ kind: "required", role, scope }, description)

export interface GuardedRoute {
  readonly method: string
  /** The pattern, such as `/api/events/:id`. */
  readonly path: string
  readonly access: Access
}

const isAccess = (u: unknown): u is Access => Predicate.hasProperty(u, "kind")

/** Every route of `app` with its declaration. Throws for one without: a mistake of ours that must not be served. */
export const routesOf = (app: AnyElysia): ReadonlyArray<GuardedRoute> =>
  app.routes.map(({ hooks, method, path }) => {
    const detail: unknown = hooks?.detail
    const access = Predicate.hasProperty(detail, key) ? detail[key] : undefined
    if (!isAccess(access)) throw new Error(`${method} ${path} does not say who may call it`)
    return { method, path, access }
  })
