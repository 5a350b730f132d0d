//! `between(a, b)`: a value of the field's type from `a` to `b`, computed here where both are literals, else as SQL.

use specc_facts::Family;
use specc_rows::hash::mix;
use std::ops::RangeInclusive;

/// What is to be drawn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Whole numbers: so many are there.
    Whole(RangeInclusive<i64>),
    /// Numbers with this many decimals, times ten to their power.
    Decimal(RangeInclusive<i128>, u32),
    /// Days since 1970.
    Days(RangeInclusive<i64>),
    /// Seconds since 1970, and the zone as written.
    Seconds(RangeInclusive<i64>, String),
    /// Known on load only.
    Sql { from: String, to: String, kind: Kind },
}

/// How SQL computes with a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `int`, `bigint`, `smallint`
    Whole,
    /// `numeric`, `double precision`, `interval`, `time`
    Plain,
    /// `date`
    Date,
    /// `timestamp` or `timestamptz`
    Timestamp(&'static str),
}

/// The range from `from` to `to` (SQL texts) for a field of the built-in type `ty` with `args`.
pub fn range(from: &str, to: &str, ty: &str, args: &[i64]) -> Range {
    let sql = |kind| Range::Sql { from: from.to_owned(), to: to.to_owned(), kind };
    match specc_facts::family(ty) {
        Family::Integer => match (whole(from), whole(to)) {
            (Some(a), Some(b)) => Range::Whole(a.min(b)..=a.max(b)),
            _ => sql(Kind::Whole),
        },
        Family::Moment if ty == "date" => match (moment(from), moment(to)) {
            (Some(a), Some(b)) => {
                let (a, b) = (a.0.div_euclid(86_400), b.0.div_euclid(86_400));
                Range::Days(a.min(b)..=a.max(b))
            }
            _ => sql(Kind::Date),
        },
        Family::Moment => match (moment(from), moment(to)) {
            (Some(a), Some(b)) if a.1 == b.1 => Range::Seconds(a.0.min(b.0)..=a.0.max(b.0), a.1),
            _ => sql(Kind::Timestamp(if ty == "timestamp" { "timestamp" } else { "timestamptz" })),
        },
        Family::Time | Family::Interval => sql(Kind::Plain),
        _ => {
            let written = [from, to].map(|t| t.split_once('.').map_or(0, |(_, digits)| digits.len() as i64));
            let least = if ty == "numeric" && !args.is_empty() { 0 } else { 2 };
            let scale = args.get(1).copied().unwrap_or(written[0].max(written[1]).max(least)).clamp(0, 12) as u32;
            match (decimal(from, scale), decimal(to, scale)) {
                (Some(a), Some(b)) => Range::Decimal(a.min(b)..=a.max(b), scale),
                _ => sql(Kind::Plain),
            }
        }
    }
}

impl Range {
    /// How many values there are, where they can be counted out one by one.
    pub fn len(&self) -> Option<u64> {
        match self {
            Range::Whole(range) | Range::Days(range) => Some(range.end().abs_diff(*range.start()).saturating_add(1)),
            _ => None,
        }
    }

    /// The value for `seed`; `step` goes on from it, one by one where the values can be counted.
    pub fn draw(&self, seed: u64, step: u64) -> String {
        let at = |len: u128| (u128::from(mix(seed)) + u128::from(step)) % len;
        let far = |len: u128| u128::from(mix(seed ^ mix(step))) % len;
        match self {
            Range::Whole(range) => {
                let len = u128::from(range.end().abs_diff(*range.start())) + 1;
                (i128::from(*range.start()) + at(len) as i128).to_string()
            }
            Range::Days(range) => {
                let len = u128::from(range.end().abs_diff(*range.start())) + 1;
                format!("'{}'", day(range.start() + at(len) as i64))
            }
            Range::Seconds(range, zone) => {
                let len = u128::from(range.end().abs_diff(*range.start())) + 1;
                let second = range.start() + far(len) as i64;
                let (days, rest) = (second.div_euclid(86_400), second.rem_euclid(86_400));
                let (hour, minute) = (rest / 3600, rest / 60 % 60);
                format!("'{} {hour:02}:{minute:02}:{:02}{zone}'", day(days), rest % 60)
            }
            Range::Decimal(range, scale) => {
                let len = range.end().abs_diff(*range.start()) + 1;
                spell(range.start() + far(len) as i128, *scale)
            }
            Range::Sql { from: a, to: b, kind } => {
                let part = format!("0.{:06}", far(1_000_000));
                match kind {
                    Kind::Whole => format!("floor(({a}) + (({b}) - ({a}) + 1) * {part})::bigint"),
                    Kind::Plain => format!("({a}) + (({b}) - ({a})) * {part}"),
                    Kind::Date => format!("(({a})::timestamp + (({b})::timestamp - ({a})::timestamp) * {part})::date"),
                    Kind::Timestamp(ty) => {
                        let cast = |t: &str| {
                            if t.starts_with("now()") { format!("({t})") } else { format!("({t})::{ty}") }
                        };
                        let (a, b) = (cast(a), cast(b));
                        format!("{a} + ({b} - {a}) * {part}")
                    }
                }
            }
        }
    }
}

fn whole(text: &str) -> Option<i64> {
    text.replace([' ', '_'], "").parse().ok()
}

/// A decimal literal times ten to the power of `scale`.
fn decimal(text: &str, scale: u32) -> Option<i128> {
    let text = text.replace([' ', '_'], "");
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let known = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if digits.len() > 24 || !known(whole) || !known(part) || whole.is_empty() && part.is_empty() {
        return None;
    }
    let part: String = part.chars().chain(std::iter::repeat('0')).take(scale as usize).collect();
    let value: i128 = format!("0{whole}{part}").parse().ok()?;
    Some(if negative { -value } else { value })
}

fn spell(value: i128, scale: u32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale as usize + 1);
    let (whole, part) = digits.split_at(digits.len() - scale as usize);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// Seconds since 1970 and the zone of a date or timestamp literal: `'2026-01-31'`, `date '…'`, `'… 10:30+02'::timestamptz`.
fn moment(text: &str) -> Option<(i64, String)> {
    let (before, rest) = text.split_once('\'')?;
    let (literal, after) = rest.split_once('\'')?;
    let word = |t: &str| t.bytes().all(|b| b.is_ascii_alphabetic() || b == b' ');
    let cast = after.strip_prefix("::").unwrap_or(after);
    if !word(before) || !word(cast) {
        return None;
    }
    let (date, time) = literal.split_once([' ', 'T']).unwrap_or((literal, ""));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let days = days(parts.next()??, parts.next()??, parts.next()??)?;
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    let mut seconds = 0;
    if !clock.is_empty() {
        let parts = clock.trim().split(':').map(|part| part.parse::<i64>().ok().filter(|n| (0..60).contains(n)));
        let parts = parts.collect::<Option<Vec<_>>>()?;
        let (2 | 3) = parts.len() else { return None };
        seconds = parts[0] * 3600 + parts[1] * 60 + parts.get(2).unwrap_or(&0);
    }
    Some((days * 86_400 + seconds, zone.trim().to_owned()))
}

/// Days since 1970 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1..=9999).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// The date that many days after 1970-01-01.
fn day(days: i64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_survives_the_way_to_days_and_back() {
        for (text, expected) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-12-31", 20_818), ("1969-12-31", -1)]
        {
            let (seconds, _) = moment(&format!("'{text}'")).unwrap();
            assert_eq!(seconds / 86_400, expected, "{text}");
            assert_eq!(day(expected), text);
        }
    }

    #[test]
    fn literals_give_literals_within_their_bounds() {
        let range = range("10", "12", "int", &[]);
        let mut seen: Vec<_> = (0..3).map(|step| range.draw(7, step)).collect();
        seen.sort();
        assert_eq!(seen, ["10", "11", "12"]);
        let price = super::range("0.5", "1", "numeric", &[10, 2]);
        assert_eq!(price, Range::Decimal(50..=100, 2));
        assert_eq!(spell(-5, 2), "-0.05");
        assert_eq!(super::range("'2026-01-01'", "date '2026-01-01'", "date", &[]).draw(1, 0), "'2026-01-01'");
        let at = super::range("'2026-01-01 10:00Z'", "'2026-01-01 10:00:00Z'", "timestamptz", &[]);
        assert_eq!(at.draw(3, 0), "'2026-01-01 10:00:00Z'");
    }

    #[test]
    fn what_only_the_database_knows_stays_sql() {
        let range = range("now() - interval '30 days'", "now()", "timestamptz", &[]);
        let text = range.draw(1, 0);
        assert!(
            text.starts_with("(now() - interval '30 days') + ((now()) - (now() - interval '30 days')) * 0."),
            "{text}"
        );
        assert_eq!(text, range.draw(1, 0));
    }
}
