//! Values, and how `copy` reads them.

use std::fmt::Write;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// A value of a row that is being made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    /// A number times a power of ten.
    Decimal(i64, u32),
    Float(f64),
    Boolean(bool),
    /// As Postgres reads it, of whatever type.
    Text(String),
    /// Days since 1970.
    Date(i64),
    /// Microseconds since 1970, in UTC.
    Timestamp(i64),
    /// Microseconds since 1970.
    Timestamptz(i64),
    /// Microseconds since midnight.
    Time(i64),
    Uuid(u128),
    /// Its place among the labels of its type.
    Label(usize),
}

/// Year, month and day of a number of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970 of a day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Reads a day, or a day and a time in UTC, as microseconds since 1970; none where it says a zone of its own, or anything else.
pub(crate) fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let time = time.trim_end_matches("+00:00").trim_end_matches("+00").trim_end_matches('Z');
    Some(days(year, month, day) * DAY + clock(time)?)
}

/// Reads a time of day as microseconds.
pub(crate) fn clock(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds: f64 = parts.next().map_or(Ok(0.0), str::parse).ok()?;
    Some((hour * 60 + minute) * 60_000_000 + (seconds * 1e6).round() as i64)
}

fn push_clock(out: &mut Vec<u8>, micros: i64) {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    push(out, format_args!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if rest > 0 {
        push(out, format_args!(".{rest:06}"));
    }
}

fn push_date(out: &mut Vec<u8>, of: i64) {
    let (year, month, day) = civil(of);
    match year {
        1.. => push(out, format_args!("{year:04}-{month:02}-{day:02}")),
        _ => push(out, format_args!("{:04}-{month:02}-{day:02} BC", 1 - year)),
    }
}

struct Bytes<'o>(&'o mut Vec<u8>);

impl Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn push(out: &mut Vec<u8>, args: std::fmt::Arguments<'_>) {
    let _ = Bytes(out).write_fmt(args);
}

/// Appends a text, with what `copy` would take for something else escaped.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.push(other),
        }
    }
}

impl Value {
    /// Appends it as a field of a line of `copy … from stdin`.
    pub fn push(&self, out: &mut Vec<u8>, labels: &[impl AsRef<str>]) {
        match self {
            Value::Null => out.extend_from_slice(b"\\N"),
            Value::Integer(number) => push(out, format_args!("{number}")),
            Value::Decimal(number, 0) => push(out, format_args!("{number}")),
            Value::Decimal(number, scale) => {
                let one = 10_u64.pow(*scale);
                let sign = if *number < 0 { "-" } else { "" };
                let (whole, rest) = (number.unsigned_abs() / one, number.unsigned_abs() % one);
                push(out, format_args!("{sign}{whole}.{rest:0width$}", width = *scale as usize));
            }
            Value::Float(number) => push(out, format_args!("{number}")),
            Value::Boolean(is) => out.push(if *is { b't' } else { b'f' }),
            Value::Text(text) => push_text(out, text),
            Value::Date(days) => push_date(out, *days),
            Value::Timestamp(micros) | Value::Timestamptz(micros) => {
                push_date(out, micros.div_euclid(DAY));
                out.push(b' ');
                push_clock(out, micros.rem_euclid(DAY));
                if matches!(self, Value::Timestamptz(_)) {
                    out.extend_from_slice(b"+00");
                }
            }
            Value::Time(micros) => push_clock(out, *micros),
            Value::Uuid(bits) => {
                let hex = format!("{bits:032x}");
                push(
                    out,
                    format_args!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]),
                );
            }
            Value::Label(at) => push_text(out, labels.get(*at).map_or("", AsRef::as_ref)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Value, clock, moment};

    fn field(value: &Value) -> String {
        let mut out = Vec::new();
        value.push(&mut out, &["a\tb"]);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn fields_are_as_copy_reads_them() {
        for (value, text) in [
            (Value::Null, "\\N"),
            (Value::Decimal(-1205, 2), "-12.05"),
            (Value::Text("a\\N\tb\nc".into()), "a\\\\N\\tb\\nc"),
            (Value::Label(0), "a\\tb"),
            (Value::Date(0), "1970-01-01"),
            (Value::Timestamptz(-1), "1969-12-31 23:59:59.999999+00"),
            (Value::Time(61_000_000), "00:01:01"),
            (Value::Uuid(1), "00000000-0000-0000-0000-000000000001"),
        ] {
            assert_eq!(field(&value), text);
        }
    }

    #[test]
    fn days_are_read_as_they_are_written() {
        for day in (-800_000..800_000).step_by(3571) {
            let text = field(&Value::Date(day));
            if !text.ends_with("BC") {
                assert_eq!(moment(&text), Some(day * DAY), "{text}");
            }
        }
        assert_eq!(
            moment("2024-02-29 01:02:03.5+00").map(|at| field(&Value::Timestamp(at))).as_deref(),
            Some("2024-02-29 01:02:03.500000")
        );
        assert_eq!((clock("10"), moment("tomorrow"), moment("2024-01-01 00:00+02")), (None, None, None));
    }
}
