/**
 * Asks the person at the terminal. Questions go to stderr: stdout has the result alone, also where it is piped. Where
 * there is nobody to ask, nothing is assumed.
 */
import * as Prompt from "effect/cli/Prompt"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"

/** A question without the answer that is needed. Nothing was changed. */
export class Unanswered extends Schema.TaggedError<Unanswered>()("Unanswered", {
  /** `declined`: somebody said no, or left. `nobody`: there is no terminal, and what would have answered was not given. */
  because: Schema.Literals(["declined", "nobody"]),
  text: Schema.String
}) {}

const declined = new Unanswered({ because: "declined", text: "not confirmed; nothing was changed" })
const nobody = (text: string) => new Unanswered({ because: "nobody", text })

/** Questions are drawn on stderr. */
const onStderr = Effect.map(Terminal.Terminal, (terminal) =>
  Terminal.make({
    ...terminal,
    columns: Effect.sync(() => process.stderr.columns ?? 80),
    display: (text) => Effect.sync(() => void process.stderr.write(text))
  }))

const ask = <A>(prompt: Prompt.Prompt<A>) =>
  Effect.provideServiceEffect(Prompt.run(prompt), Terminal.Terminal, onStderr).pipe(
    Effect.mapError(() => declined)
  )

const canAsk = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  return (yield* stdio.stdinIsTerminal) && (yield* stdio.stderrIsTerminal)
})

/** Goes on when somebody says yes, or `yes` was given. Whoever is asked is shown `shows` before. */
export const confirm = Effect.fnUntraced(function*(
  question: string,
  { shows = [], yes }: { readonly yes: boolean; readonly shows?: ReadonlyArray<string> }
) {
  if (yes) return
  if (!(yield* canAsk)) return yield* nobody(`${question} There is nobody to ask: --yes says so`)
  for (const line of shows) yield* Console.error(line)
  if (!(yield* ask(Prompt.Confirm({ message: question })))) return yield* declined
})

/** A line of text, asked for with `question`; `flag` is what gives it where nobody can be asked. */
export const line = Effect.fnUntraced(function*(question: string, flag: string) {
  if (!(yield* canAsk)) return yield* nobody(`${flag} is missing, and there is nobody to ask`)
  return yield* ask(Prompt.String({
    message: question,
    validate: (text) => text.trim() === "" ? Effect.fail("a few words") : Effect.succeed(text.trim())
  }))
})

/** A new password: typed twice without echo, or the first line of what is piped in. */
export const newPassword = Effect.gen(function*() {
  const { stdinIsTerminal } = yield* Stdio.Stdio
  if (yield* canAsk) {
    const first = yield* ask(Prompt.Hidden({ message: "Password" }))
    yield* ask(Prompt.Hidden({
      message: "The same again",
      validate: (again) => again === Redacted.value(first) ? Effect.succeed(again) : Effect.fail("not the same")
    }))
    return first
  }
  // Typed there it would be seen.
  if (yield* stdinIsTerminal) return yield* nobody("a password is typed where stderr is the terminal, or piped in")
  const { readLine } = yield* Terminal.Terminal
  const typed = yield* Effect.mapError(
    readLine,
    () => nobody("the password is read from stdin, one line: there is none")
  )
  return Redacted.make(typed)
})
