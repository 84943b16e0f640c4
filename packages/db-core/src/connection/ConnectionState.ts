/**
 * The states of the connection to the database, and what moves it from one to the next. A pure table, total: every
 * event has an answer in every state. `ConnectionState.SPEC.md` says it in words and is tested against this.
 */

/**
 * - `starting`: nothing is known yet.
 * - `healthy`: it answers.
 * - `degraded`: it answers, and something is wrong: callers wait, or one of them lost its connection.
 * - `idle`: it answered last, and nobody asked for a while. Nothing is probed, so that a compute may suspend.
 * - `waking`: it is being started, by us or by itself, and will answer soon.
 * - `down`: it does not answer.
 * - `draining`: this process is about to end. Final.
 */
export const states = ["starting", "healthy", "degraded", "idle", "waking", "down", "draining"] as const
export type State = (typeof states)[number]

/**
 * - `answered`: a statement was answered, be it with an error of its own.
 * - `congested`: callers wait for connections, or did in vain.
 * - `failed`: a caller lost its connection, or got none.
 * - `unreachable`: the server was tried in earnest, and did not answer.
 * - `waking`: the server says that it is starting.
 * - `opening`: there is no connection, and one is being opened.
 * - `quiet`: nobody asked anything for `DbConfig.healthInterval`.
 * - `drain`: the process was told to end.
 */
export const events = ["answered", "congested", "failed", "unreachable", "waking", "opening", "quiet", "drain"] as const
export type Event = (typeof events)[number]

export const transitions: { readonly [S in State]: { readonly [E in Event]: State } } = {
  starting: {
    answered: "healthy",
    congested: "starting",
    failed: "down",
    unreachable: "down",
    waking: "waking",
    opening: "starting",
    quiet: "starting",
    drain: "draining"
  },
  healthy: {
    answered: "healthy",
    congested: "degraded",
    failed: "degraded",
    unreachable: "down",
    waking: "waking",
    opening: "healthy",
    quiet: "idle",
    drain: "draining"
  },
  degraded: {
    answered: "healthy",
    congested: "degraded",
    failed: "degraded",
    unreachable: "down",
    waking: "waking",
    opening: "degraded",
    quiet: "idle",
    drain: "draining"
  },
  idle: {
    answered: "healthy",
    congested: "degraded",
    failed: "degraded",
    unreachable: "down",
    waking: "waking",
    opening: "waking",
    quiet: "idle",
    drain: "draining"
  },
  waking: {
    answered: "healthy",
    congested: "waking",
    failed: "waking",
    unreachable: "down",
    waking: "waking",
    opening: "waking",
    quiet: "idle",
    drain: "draining"
  },
  down: {
    answered: "healthy",
    congested: "down",
    failed: "down",
    unreachable: "down",
    waking: "waking",
    opening: "down",
    quiet: "down",
    drain: "draining"
  },
  draining: {
    answered: "draining",
    congested: "draining",
    failed: "draining",
    unreachable: "draining",
    waking: "draining",
    opening: "draining",
    quiet: "draining",
    drain: "draining"
  }
}

export const next = (state: State, event: Event): State => transitions[state][event]

/** Whether new work should be sent here. A compute that sleeps or wakes is woken by work. */
export const isReady: { readonly [S in State]: boolean } = {
  starting: false,
  healthy: true,
  degraded: true,
  idle: true,
  waking: true,
  down: false,
  draining: false
}
