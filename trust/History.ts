/**
 * What the callers saw. The invocation is written down before the call and the outcome after it, in a file: what a
 * crashed process knew is not lost with it.
 */
import * as fs from "node:fs"
import type { Moment, Outcome } from "./contenders/Contender.ts"

export type OperationKind = "insert" | "transaction" | "read" | "stream"

/** Does it leave a row? */
export const writes = (kind: OperationKind): boolean => kind === "insert" || kind === "transaction"

export interface Invocation {
  readonly id: string
  readonly kind: OperationKind
  readonly worker: number
  /** Milliseconds on the process's own clock. */
  readonly at: number
}

export interface Completion extends Outcome {
  readonly id: string
  readonly at: number
  /** No answer came; the workload gave up waiting. */
  readonly hung?: boolean
  /** The workload asked for the work to be ended. */
  readonly interrupted?: boolean
  /** What it was doing then. */
  readonly moment?: Moment
}

/** An operation with its outcome, if it ever had one. */
export interface Operation {
  readonly invocation: Invocation
  readonly completion: Completion | undefined
}

export class HistoryWriter {
  private readonly file: number
  readonly operations = new Map<string, { readonly invocation: Invocation; completion: Completion | undefined }>()

  constructor(path: string) {
    this.file = fs.openSync(path, "a")
  }

  invoke(invocation: Invocation): void {
    this.operations.set(invocation.id, { invocation, completion: undefined })
    fs.writeSync(this.file, `${JSON.stringify({ invoke: invocation })}\n`)
  }

  complete(completion: Completion): void {
    const operation = this.operations.get(completion.id)
    if (operation === undefined || operation.completion !== undefined) return
    operation.completion = completion
    fs.writeSync(this.file, `${JSON.stringify({ complete: completion })}\n`)
  }

  close(): void {
    fs.closeSync(this.file)
  }
}

type Line = { readonly invoke: Invocation } | { readonly complete: Completion }

export const parseHistory = (text: string): ReadonlyArray<Operation> => {
  const operations = new Map<string, { readonly invocation: Invocation; completion: Completion | undefined }>()
  for (const row of text.split("\n")) {
    if (row === "") continue
    const line = JSON.parse(row) as Line
    if ("invoke" in line) operations.set(line.invoke.id, { invocation: line.invoke, completion: undefined })
    else {
      const operation = operations.get(line.complete.id)
      if (operation !== undefined) operation.completion ??= line.complete
    }
  }
  return [...operations.values()]
}

export const readHistory = (path: string): ReadonlyArray<Operation> => parseHistory(fs.readFileSync(path, "utf8"))
