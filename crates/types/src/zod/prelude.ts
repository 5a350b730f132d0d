export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[]

/** Of a condition: null where a value that decides is null. A check refuses what is false. */
type Truth = boolean | null
type Values = Record<string, any>
/** A check of several columns: its name, the columns, the condition. */
type Check = [name: string, reads: string[], holds: (row: Values) => Truth]

const DAY = 86_400_000_000n
/** Beyond every moment that Postgres has. */
const INFINITY = 10n ** 30n
/** Numbers are compared as whole ones, after so many places. */
const PLACES = 400

/** The values of Postgres as they come in JSON, and what its checks say of them. */
const db = {
  /** Neither NUL nor half of a pair of surrogates: Postgres has no such text. */
  isText: (value: string) => !/[\0\p{Cs}]/u.test(value),
  text: () => z.string().refine(db.isText, "no text of Postgres"),
  /** Characters, which are not JavaScript's units. */
  points: (value: string | null) => (value === null ? null : [...value].length),
  octets: (value: string | null) =>
    value === null ? null : new TextEncoder().encode(value).length,
  trim: (value: string | null, left: boolean, right: boolean) => {
    if (value === null) return null
    let [start, end] = [0, value.length]
    while (left && start < end && value[start] === " ") start++
    while (right && end > start && value[end - 1] === " ") end--
    return value.slice(start, end)
  },
  /** What is kept of a text of at most so many characters: blanks at the end may be more. */
  cut: (value: string | null, most: number) =>
    value === null ? null : [...value].slice(0, most).join(""),
  varchar: (most: number) =>
    db
      .text()
      .refine(
        (value) => db.points(db.trim(value, false, true))! <= most,
        `at most ${most} characters`,
      ),

  real: () =>
    z.number().refine((value) => {
      const single = Math.fround(value)
      return Number.isFinite(single) && (value === 0 || single !== 0)
    }, "out of range for a real"),
  /** A number of at most so many digits, so many of them behind the point; more places are rounded. */
  numeric: (digits: number, places: number) =>
    z.number().refine((value) => {
      const number = db.number(value, places)
      const limit = 10n ** BigInt(digits - places + PLACES)
      return number !== null && number < limit && -number < limit
    }, `at most ${digits - places} digits before the point`),
  /** A number as a whole one, rounded to so many places. */
  number: (value: number | string | null, places?: number): bigint | null => {
    const found = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(`${value}`)
    if (found === null) return null
    const [, sign, whole, part = "", exponent = "0"] = found
    const shift = PLACES + Number(exponent) - part.length
    if (shift < 0 || shift > 2 * PLACES) return null
    let number = BigInt(whole + part) * 10n ** BigInt(shift)
    if (places !== undefined) {
      const unit = 10n ** BigInt(PLACES - places)
      number = ((number + unit / 2n) / unit) * unit
    }
    return sign === "" ? number : -number
  },
  float: (value: number | null) => value,
  single: (value: number | null) =>
    value === null ? null : Math.fround(value),

  uuid: () =>
    z
      .string()
      .regex(
        /^(?:(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}|\{(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}\})$/i,
        "no uuid",
      ),
  hex: (value: string | null) =>
    value === null ? null : value.replace(/[-{}]/g, "").toLowerCase(),
  bytea: () =>
    db
      .text()
      .regex(
        /^(?:\\x(?:[ \t\n\r]*[0-9a-fA-F]{2})*[ \t\n\r]*|(?:[^\\]|\\\\|\\[0-3][0-7]{2})*)$/,
        "no bytes",
      ),

  /** Microseconds since 1970 of a date, with a time where it has one; of a time, since midnight. Null where it is none in ISO 8601. */
  moment: (
    kind: "date" | "timestamp" | "timestamptz" | "time",
    value: string | null,
    digits = 6,
  ): bigint | null => {
    if (value === null) return null
    if (kind !== "time" && /^[+-]?infinity$/i.test(value))
      return value[0] === "-" ? -INFINITY : INFINITY
    const found =
      /^(?:(\d{4}|[1-9]\d{4,6})-(\d\d?)-(\d\d?)(?:[T ](?=\d)|(?= BC$)|$))?(?:(\d\d?):(\d\d?)(?::(\d\d?)(?:\.(\d+))?)?(?:Z| ?([+-])(\d\d?)(?::(\d\d)(?::(\d\d))?|(\d\d))?)?)?( BC)?$/i.exec(
        value.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, ""),
      )
    if (found === null) return null
    const [, y, m, d, hours, minutes, seconds, part, sign, zh, zm, zs, zmm, bc] = found
    if ((y === undefined) !== (kind === "time")) return null
    if (hours === undefined ? kind === "time" : Number(minutes) > 59) return null
    if (Number(seconds ?? 0) > 60 || (kind === "time" && bc)) return null
    let micros =
      (BigInt(hours ?? 0) * 60n + BigInt(minutes ?? 0)) * 60n + BigInt(seconds ?? 0)
    micros = micros * 1_000_000n + db.even(Number(`0.${part ?? 0}`) * 1e6)
    if (micros > DAY) return null
    const zone = [zh, zm ?? zmm, zs].map((part) => Number(part ?? 0))
    if (zone[0]! > 15 || zone[1]! > 59 || zone[2]! > 59) return null
    const unit = 10n ** BigInt(6 - digits)
    if (kind === "time") return ((micros + unit / 2n) / unit) * unit
    let year = Number(y)
    const [month, date] = [Number(m), Number(d)]
    if (year === 0 || month < 1 || month > 12 || date < 1) return null
    if (bc) year = 1 - year
    const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
    if (date > [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!)
      return null
    const days = db.days(year, month, date)
    if (days < db.days(-4713, 11, 24)) return null
    if (kind === "date") return days < db.days(5874898, 1, 1) ? days * DAY : null
    let all = days * DAY + micros
    if (kind === "timestamptz") {
      const offset = BigInt((zone[0]! * 60 + zone[1]!) * 60 + zone[2]!) * 1_000_000n
      all += sign === "-" ? offset : -offset
    }
    if (all < db.days(-4713, 11, 24) * DAY) return null
    if (all >= db.days(294277, 1, 1) * DAY) return null
    return (all < 0n ? (all - unit / 2n) / unit : (all + unit / 2n) / unit) * unit
  },
  /** To the nearest whole number; to the even one of two. */
  even: (value: number) => {
    const near = Math.round(value)
    return BigInt(near - value === 0.5 && near % 2 === 1 ? near - 1 : near)
  },
  /** Days since 1970. */
  days: (year: number, month: number, date: number) => {
    const y = month > 2 ? year : year - 1
    const era = Math.floor(y / 400)
    const doy = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + date - 1
    const of = y - era * 400
    const doe = of * 365 + Math.floor(of / 4) - Math.floor(of / 100) + doy
    return BigInt(era) * 146097n + BigInt(doe) - 719468n
  },
  at: (kind: "date" | "timestamp" | "timestamptz" | "time") =>
    z
      .string()
      .refine((value) => db.moment(kind, value) !== null, `no ${kind} in ISO 8601`),
  interval: () =>
    z
      .string()
      .regex(
        /^(?=.)(?:[+-]?\d{1,6} years?(?: |$))?(?:[+-]?\d{1,6} mons?(?: |$))?(?:[+-]?\d{1,6} days?(?: |$))?(?:[+-]?\d{1,6}:[0-5]\d:[0-5]\d(?:\.\d{1,6})?)?$/,
        "no interval as Postgres writes it",
      ),
  inet: () => z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]),

  /** Any value in JSON but null. */
  json: () =>
    z.custom<NonNullable<Json>>(
      (value) => value !== null && db.isJson(value),
      "no JSON that Postgres takes",
    ),
  isJson: (value: unknown): boolean => {
    if (typeof value === "string") return db.isText(value)
    if (typeof value === "number") return Number.isFinite(value)
    if (value === null || typeof value === "boolean") return true
    if (Array.isArray(value)) return value.every(db.isJson)
    if (typeof value !== "object") return false
    return Object.entries(value).every(
      ([key, inner]) => db.isText(key) && (inner === undefined || db.isJson(inner)),
    )
  },
  jsonType: (value: unknown) =>
    value === null ? null : Array.isArray(value) ? "array" : (typeof value as string),

  /** An array of any dimensions, at most six: Postgres does not hold how many. */
  array: <T extends z.ZodType>(item: T) =>
    z.custom<NonNullable<z.output<T>>[]>((value): boolean => {
      const leaves = db.leaves(value)
      return leaves !== null && leaves.every((leaf) => item.safeParse(leaf).success)
    }, "no array of such values"),
  /** As deep as its first item is. */
  depth: (value: unknown): number => (Array.isArray(value) ? 1 + db.depth(value[0]) : 0),
  /** The items of an array; null where lists of one depth have several lengths. */
  leaves: (value: unknown, depth: number = db.depth(value), sizes: number[] = []): unknown[] | null => {
    if (!Array.isArray(value) || depth > 6) return null
    if ((sizes[depth] ??= value.length) !== value.length) return null
    if (depth === 1) return value
    const parts = value.map((part) => db.leaves(part, depth - 1, sizes))
    return parts.includes(null) ? null : parts.flat()
  },
  items: (value: unknown[] | null): number | null => (value === null ? null : (db.leaves(value)?.length ?? null)),

  and: (...all: Truth[]): Truth =>
    all.includes(false) ? false : all.includes(null) ? null : true,
  or: (...all: Truth[]): Truth =>
    all.includes(true) ? true : all.includes(null) ? null : false,
  not: (value: Truth): Truth => (value === null ? null : !value),
  is: (a: any, sign: "=" | "<>" | "<" | "<=" | ">" | ">=", b: any): Truth => {
    if (a === null || b === null) return null
    if (sign === "=") return a === b
    if (sign === "<>") return a !== b
    return sign === "<" ? a < b : sign === "<=" ? a <= b : sign === ">" ? a > b : a >= b
  },
  among: (value: any, list: any[]): Truth => (value === null ? null : list.includes(value)),
  place: (labels: string[], label: string | null) =>
    label === null ? null : labels.indexOf(label),
  matches: (value: string | null, pattern: RegExp): Truth =>
    value === null ? null : pattern.test(value),

  /** What a check of one value does not refuse. */
  holds: (condition: (value: any) => Truth) => (value: any) => condition(value) !== false,
  /** A row with its checks. `absent`: what a column that is left out has; a check that reads one of which this is not known is left to Postgres. */
  row: <T extends z.ZodObject>(row: T, checks: Check[], absent: Values = {}) =>
    row.superRefine((given, context) => {
      const there = Object.entries(given).filter(([, value]) => value !== undefined)
      const all: Values = { ...absent, ...Object.fromEntries(there) }
      for (const [name, reads, holds] of checks) {
        if (reads.every((column) => column in all) && holds(all) === false)
          context.addIssue({ code: "custom", message: `check ${name}`, path: reads.slice(0, 1) })
      }
    }),
}
