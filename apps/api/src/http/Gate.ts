/**
 * What every request passes before its body is read: limits, who asks, whether they may. What is not declared is not
 * let through: `passed` is asked again where the route runs, so that a path that this and the router read differently
 * opens nothing.
 */
import type { AccessError } from "@ems/access/AccessError"
import type { Authentication } from "@ems/access/Authentication"
import { everyone, may, type Principal } from "@ems/access/Principal"
import { type DbError, isDbError } from "@ems/db-core/errors/DbError"
import type { AnyElysia } from "elysia"
import { Memoirist } from "memoirist"
import type { LimitKind, Limits } from "../limits/RateLimits.ts"
import type { Authenticate } from "../Runtime.ts"
import { type Access, type GuardedRoute, routesOf } from "./Access.ts"
import * as Problem from "./Problem.ts"
import * as RequestInfo from "./RequestInfo.ts"

/** Whoever may be answered without it does not wait longer to be known. Milliseconds. */
const patience = 1000

type Verdict = Response | undefined
type Guarded = Exclude<Access, { readonly kind: "public" }>

export interface Options {
  readonly authentication: Authentication["Service"]
  readonly limits: Limits
  /** False: everybody may do everything. */
  readonly isOn: boolean
  /** Runs an authentication; interrupted when the client goes away. */
  readonly authenticate: Authenticate
}

/** As the router reads it: from the first slash after the host to the query. */
const pathOf = (url: string): string => {
  const start = url.indexOf("/", 11)
  const query = url.indexOf("?", start + 1)
  return query === -1 ? url.slice(start) : url.slice(start, query)
}

/** RFC 6750: the scheme's name in any case, one space, a token without spaces. Longer than any token of ours: none. */
const bearerOf = (request: Request): string | undefined => {
  const header = request.headers.get("authorization")
  if (header === null || header.length > 2048) return undefined
  return /^bearer ([\w.~+/=-]+)$/i.exec(header)?.[1]
}

export const gate = (app: AnyElysia, { authenticate, authentication, isOn, limits }: Options) => {
  const routes = new Memoirist<GuardedRoute>()
  let known = 0

  const find = (method: string, path: string): GuardedRoute | undefined => {
    // Routes are added to the application after its hooks.
    if (known !== app.routes.length) {
      for (const route of routesOf(app).slice(known)) routes.add(route.method, route.path, route)
      known = app.routes.length
    }
    const normal = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
    return (routes.find(method === "HEAD" ? "GET" : method, normal) ?? routes.find("ALL", normal))?.store
  }

  const admit = (info: RequestInfo.RequestInfo, { path }: GuardedRoute, principal?: Principal): undefined => {
    info.admitted = path
    info.principal = principal
  }

  const limited = (request: Request, retryAfter: number): Response =>
    Problem.toResponse(Problem.tooMany(retryAfter), request)

  /** Goes on when there was a token. Without a promise wherever that can be: most requests pass here so. */
  const spend = (
    kind: LimitKind,
    key: string,
    request: Request,
    proceed: () => Verdict | Promise<Verdict>
  ): Verdict | Promise<Verdict> => {
    const wait = limits.spend(kind, key)
    if (wait === 0) return proceed()
    if (typeof wait === "number") return limited(request, wait)
    return wait.then((seconds) => seconds === 0 ? proceed() : limited(request, seconds))
  }

  /** For one whose credential was found good. */
  const authorize = (
    request: Request,
    route: GuardedRoute,
    access: Guarded,
    principal: Principal
  ): Verdict | Promise<Verdict> =>
    spend("principal", principal.id, request, () => {
      const info = RequestInfo.of(request)
      if (may(principal, access.role, access.scope)) return admit(info, route, principal)
      // Who may see less is answered less.
      if (access.kind === "optional") return admit(info, route)
      return Problem.toResponse(
        principal.isUnverified === true ? Problem.unverified : Problem.forbidden(access.role, access.scope),
        request
      )
    })

  const refuse = (
    request: Request,
    route: GuardedRoute,
    access: Guarded,
    error: AccessError | DbError
  ): Verdict | Promise<Verdict> => {
    const info = RequestInfo.of(request)
    if (isDbError(error)) {
      // The database cannot say who this is: health has to be answered even so.
      if (access.kind === "optional") return admit(info, route)
      return Problem.toResponse(Problem.ofDbError(error, request), request)
    }
    // Guessing is slowed by its failures, whatever the address asks for besides.
    return spend("failure", info.address, request, () => Problem.toResponse(Problem.invalidToken, request))
  }

  const identify = (
    request: Request,
    info: RequestInfo.RequestInfo,
    route: GuardedRoute,
    access: Guarded
  ): Verdict | Promise<Verdict> => {
    const bearer = bearerOf(request)
    if (bearer === undefined) {
      if (request.headers.has("authorization")) return Problem.toResponse(Problem.invalidToken, request)
      return access.kind === "optional" ? admit(info, route) : Problem.toResponse(Problem.noToken, request)
    }
    const principal = authentication.tryKnown(bearer)
    if (principal !== undefined) return authorize(request, route, access, principal)
    const blocked = limits.refused("failure", info.address)
    if (blocked > 0) return limited(request, blocked)
    return authenticate(bearer, request, access.kind === "optional" ? patience : undefined).then((answer) =>
      answer instanceof Error ? refuse(request, route, access, answer) : authorize(request, route, access, answer)
    )
  }

  const enter = (request: Request): Verdict | Promise<Verdict> => {
    // Without a host that can be one Bun's URL is a path alone, which this and the router read differently.
    if (!request.url.startsWith("http")) return Problem.toResponse(Problem.noHost, request)
    const info = RequestInfo.of(request)
    return spend("address", info.address, request, () => {
      const route = find(request.method, pathOf(request.url))
      // The router answers that it is not there.
      if (route === undefined) return undefined
      info.route = route.path
      const { access } = route
      if (access.kind === "public") return admit(info, route)
      return isOn ? identify(request, info, route, access) : admit(info, route, everyone)
    })
  }

  return {
    enter,
    /** Whether `request` came through here for the route that is about to run. */
    passed: (request: Request, pattern: string): boolean => RequestInfo.of(request).admitted === pattern
  }
}
