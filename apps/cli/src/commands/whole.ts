/** Whole numbers as flags and arguments take them: digits alone. `Number` would accept "0x10", "1e2" and " 7". */
import * as Option from "effect/Option"

export const whole = (text: string, minimum: number, maximum: number): Option.Option<number> => {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return number >= minimum && number <= maximum ? Option.some(number) : Option.none()
}
