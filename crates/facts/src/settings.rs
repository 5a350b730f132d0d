//! Settings of the server: what they are called, and which values they take.

use crate::table::unmarked;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// A setting of Postgres's own.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As Postgres writes it.
    pub name: &'static str,
    /// Whether a session can set it, a function or a role for its sessions among that.
    pub in_session: bool,
    takes: Takes,
}

#[derive(Clone, Copy, Debug)]
enum Takes {
    Switch,
    /// The unit, the least and the greatest.
    Number(&'static str, f64, f64, bool),
    Text,
    /// All words that are taken, with commas; empty where that was not tried.
    Words(&'static str),
}

static ALL: LazyLock<FxHashMap<String, Setting>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split(' ').map(unmarked);
        let (name, word) = (words.next()?, words.next()?);
        let (kind, rest) = word.split_once(':').unwrap_or((word, ""));
        let in_session = kind.starts_with(['u', 's']);
        let takes = match kind.get(1..)? {
            "b" => Takes::Switch,
            kind @ ("i" | "r") => {
                let mut parts = rest.split(',');
                let unit = parts.next()?;
                let mut end = || parts.next()?.parse::<f64>().ok();
                let (low, high) = (end()?, end()?);
                // Where the versions differ, it is left to them.
                if words.next().is_some() { Takes::Text } else { Takes::Number(unit, low, high, kind == "i") }
            }
            "e" if words.next().is_none() => Takes::Words(rest),
            _ => Takes::Text,
        };
        Some((name.to_ascii_lowercase(), Setting { name, in_session, takes }))
    };
    // These are in no list of the server's.
    let hidden = ["role", "session_authorization"]
        .map(|name| (name.to_owned(), Setting { name, in_session: true, takes: Takes::Text }));
    include_str!("../data/settings.txt").lines().filter_map(line).chain(hidden).collect()
});

/// The setting of this name, in whatever case it is written.
pub fn setting(name: &str) -> Option<Setting> {
    ALL.get(&*name.to_ascii_lowercase()).copied()
}

/// The names of all settings.
pub fn setting_names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&'static str> = ALL.values().map(|setting| setting.name).collect();
    names.sort_unstable();
    names.into_iter()
}

/// How many of a setting's unit one of what is written is.
fn times(written: &str, unit: &str) -> Option<f64> {
    let memory = |unit: &str| {
        Some(match unit {
            "B" => 1.0,
            "kB" => 1024.0,
            "8kB" => 8192.0,
            "MB" => 1024.0 * 1024.0,
            "16MB" => 16.0 * 1024.0 * 1024.0,
            "GB" => 1024.0 * 1024.0 * 1024.0,
            "TB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        })
    };
    let time = |unit: &str| {
        Some(match unit {
            "us" => 0.001,
            "ms" => 1.0,
            "s" => 1000.0,
            "min" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return None,
        })
    };
    match (memory(unit), time(unit)) {
        (Some(of), _) => Some(memory(written)? / of),
        (_, Some(of)) => Some(time(written)? / of),
        _ => None,
    }
}

impl Setting {
    /// Whether it takes this value; the error says what it takes. Only what every version refuses is refused.
    pub fn read(&self, value: &str) -> Result<(), String> {
        let text = value.trim();
        let fits = match self.takes {
            Takes::Switch => is_switch(text),
            Takes::Number(unit, low, high, whole) => match number(text, whole) {
                Some((count, "")) => (low..=high).contains(&if whole { count.round() } else { count }),
                Some((count, written)) => {
                    times(written, unit).is_some_and(|times| (low - 0.5..high + 0.5).contains(&(count * times)))
                }
                None => false,
            },
            Takes::Text => true,
            Takes::Words("") => true,
            Takes::Words(words) => words.split(',').any(|word| word.eq_ignore_ascii_case(&text.replace(' ', "_"))),
        };
        if fits { Ok(()) } else { Err(self.takes()) }
    }

    fn takes(&self) -> String {
        match self.takes {
            Takes::Switch => "it is `on` or `off`".to_owned(),
            Takes::Number(unit, low, high, _) => {
                let with = match unit {
                    "" => "",
                    "B" | "kB" | "8kB" | "MB" | "16MB" => ", with a unit as in `'4MB'`",
                    _ => ", with a unit as in `'5s'`",
                };
                let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
                format!("it is a number from {low} to {high}{unit}{with}")
            }
            Takes::Words(words) => {
                let shown: Vec<String> = words.split(',').map(|word| format!("`{}`", word.replace('_', " "))).collect();
                format!("it is one of {}", shown.join(", "))
            }
            Takes::Text => String::new(),
        }
    }
}

/// `on`, `yes`, `true`, `1`, and what begins one of them alone.
fn is_switch(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&*word);
    begins("true", 1)
        || begins("false", 1)
        || begins("yes", 1)
        || begins("no", 1)
        || begins("off", 2)
        || word == "on"
        || word == "0"
        || word == "1"
}

/// A number, and the letters behind it.
fn number(text: &str, whole: bool) -> Option<(f64, &str)> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { -1.0 } else { 1.0 }, rest),
        None => (1.0, text),
    };
    // A whole number may be hexadecimal or octal.
    let other = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => Some((digits, 16)),
        None => digits.strip_prefix('0').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).map(|d| (d, 8)),
    };
    if let Some((digits, radix)) = other.filter(|_| whole) {
        let (digits, rest) = digits.split_at(digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len()));
        return Some((sign * i64::from_str_radix(digits, radix).ok()? as f64, rest.trim()));
    }
    let end = digits.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.')).unwrap_or(digits.len());
    let (digits, mut rest) = digits.split_at(end);
    let mut power = 0i32;
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let end = exponent.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+')).unwrap_or(exponent.len());
        if let Ok(found) = exponent[..end].parse() {
            (power, rest) = (found, &exponent[end..]);
        }
    }
    let count: f64 = digits.parse().ok()?;
    Some((sign * count * 10f64.powi(power), rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_settings() {
        let takes = |name: &str, value: &str| setting(name).expect("a setting").read(value).is_ok();
        for (name, value) in [
            ("work_mem", "4MB"),
            ("work_mem", "64"),
            ("WORK_MEM", " 1.5 GB "),
            ("statement_timeout", "5s"),
            ("statement_timeout", "0"),
            ("lock_timeout", "1min"),
            ("enable_seqscan", "OFF"),
            ("enable_seqscan", "t"),
            ("client_min_messages", "debug"),
            ("client_min_messages", "Warning"),
            ("constraint_exclusion", "on"),
            ("random_page_cost", "1.1"),
            ("search_path", "anything"),
            ("default_transaction_isolation", "repeatable read"),
            ("work_mem", "0x1000"),
            ("work_mem", "0100kB"),
        ] {
            assert!(takes(name, value), "{name} = {value}");
        }
        for (name, value) in [
            ("work_mem", "lots"),
            ("work_mem", "4mb"),
            ("work_mem", "5s"),
            ("work_mem", "1"),
            ("work_mem", "077"),
            ("work_mem", "0x"),
            ("statement_timeout", "5x"),
            ("lock_timeout", "-1"),
            ("enable_seqscan", "maybe"),
            ("enable_seqscan", "o"),
            ("client_min_messages", "debugg"),
            ("random_page_cost", "cheap"),
        ] {
            assert!(!takes(name, value), "{name} = {value}");
        }
        assert!(setting("work_memm").is_none() && setting("shared_buffers").is_some_and(|s| !s.in_session));
    }
}
