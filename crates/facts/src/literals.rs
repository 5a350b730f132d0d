//! Whether the text of a literal can be read as a type: only what Postgres refuses for certain is refused here.

/// Reads `value` as the type of this name, or as an array of it; the error says what to write.
pub fn read_literal(value: &str, name: &str, array: bool) -> Result<(), String> {
    if !array {
        return plain(value, name);
    }
    let one = |item: &&str| !item.eq_ignore_ascii_case("null");
    array_items(value)?.into_iter().filter(one).try_for_each(|item| plain(item, name))
}

/// The items of `{a,b}`; none where one is quoted or nested, which are left to Postgres.
pub fn array_items(value: &str) -> Result<Vec<&str>, String> {
    let text = value.trim();
    let braces = (text.starts_with('{') || text.starts_with('[')) && text.ends_with('}');
    if !braces {
        return Err(format!("an array is written `'{{…}}'` or `array[…]`; for one element, `'{{{text}}}'`"));
    }
    let inner = &text[1..text.len() - 1];
    if text.starts_with('[') || inner.trim().is_empty() || inner.contains(['"', '{', '}', '\\']) {
        return Ok(Vec::new());
    }
    Ok(inner.split(',').map(str::trim).collect())
}

fn plain(value: &str, name: &str) -> Result<(), String> {
    let text = value.trim();
    let bad = |help: &str| Err(help.to_owned());
    let range = |low: i64, high: i64| match whole(text, low.into(), high.into()) {
        Some(()) => Ok(()),
        None if text.parse::<f64>().is_ok() => bad(&format!("write a whole number from {low} to {high}")),
        None => bad("write a number, such as `0`"),
    };
    match name {
        "smallint" => range(-32_768, 32_767),
        "int" => range(-2_147_483_648, 2_147_483_647),
        "bigint" => range(i64::MIN, i64::MAX),
        "numeric" | "real" | "double precision" => {
            let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
            let special = matches!(&*word, "nan" | "infinity" | "inf");
            let digits = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
                && text.contains(|c: char| c.is_ascii_digit());
            if special || digits { Ok(()) } else { bad("write a number, such as `0.5`") }
        }
        "boolean" => {
            let word = text.to_ascii_lowercase();
            let known = !word.is_empty()
                && (["true", "false", "yes", "no"].iter().any(|w| w.starts_with(&*word))
                    || matches!(&*word, "on" | "of" | "off" | "0" | "1"));
            if known { Ok(()) } else { bad("write `true` or `false`") }
        }
        "uuid" => {
            let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
            let digits: Vec<char> = inner.chars().filter(|c| *c != '-').collect();
            let good = digits.len() == 32 && digits.iter().all(char::is_ascii_hexdigit);
            if good { Ok(()) } else { bad("a uuid has 32 hexadecimal digits") }
        }
        "date" | "timestamp" | "timestamptz" => {
            let help = match name {
                "date" => "a date is written `'2026-01-31'`",
                "timestamp" => "a moment is written `'2026-01-31 18:30'`",
                _ => "a moment is written `'2026-01-31 18:30+00'`",
            };
            moment(text).map_or_else(|| bad(help), |()| Ok(()))
        }
        "interval" => {
            let word = text.to_ascii_lowercase();
            let infinite = matches!(word.trim_start_matches(['+', '-']), "infinity");
            // In the form of ISO 8601, letters are parts of the form.
            let iso = word.trim_start_matches('-').starts_with('p');
            let mut units = word.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty());
            let good = text.contains(|c: char| c.is_ascii_digit()) && (iso || units.all(crate::is_interval_unit));
            if good || infinite { Ok(()) } else { bad("an interval is a number and a unit: `'7 days'`") }
        }
        "time" | "timetz" => {
            if time(text).is_some() {
                Ok(())
            } else {
                bad("a time is written `'18:30'`")
            }
        }
        "bytea" => {
            let hex = text.strip_prefix("\\x").map(|hex| hex.replace(char::is_whitespace, ""));
            let good = hex.is_none_or(|hex| hex.len() % 2 == 0 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
            if good { Ok(()) } else { bad("bytes are written `'\\x0123abcd'`") }
        }
        "bit" | "varbit" => {
            let good = text.starts_with(['x', 'X', 'b', 'B']) || text.bytes().all(|b| matches!(b, b'0' | b'1'));
            if good { Ok(()) } else { bad("bits are written `'0101'`") }
        }
        "inet" | "cidr" => {
            if address(text).is_some() {
                Ok(())
            } else {
                bad("an address is written `'10.0.0.1'` or `'10.0.0.0/8'`")
            }
        }
        "json" | "jsonb" => {
            if json(text) {
                Ok(())
            } else {
                bad("strings and keys in JSON stand in `\"…\"`")
            }
        }
        "vector" => {
            let good = text.starts_with('[') && text.ends_with(']');
            if good { Ok(()) } else { bad("a vector is written `'[1, 2, 3]'`") }
        }
        name if name.ends_with("range") && !name.ends_with("multirange") => {
            let good = text.eq_ignore_ascii_case("empty")
                || text.starts_with(['[', '(']) && text.ends_with([']', ')']) && text.contains(',');
            if !good {
                return bad("a range is written `'[from,to)'`");
            }
            match bounds(text, name) {
                Some(Bounds::Swapped) => bad("the lower bound comes first"),
                Some(Bounds::Unread) => bad("both bounds are values of the range's type"),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

enum Bounds {
    Swapped,
    Unread,
    Right,
}

/// The bounds of a range of numbers or dates, where both are written plainly.
fn bounds(text: &str, name: &str) -> Option<Bounds> {
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let (low, high) = inner.split_once(',')?;
    let (low, high) = (low.trim(), high.trim());
    if inner.contains(['"', '\\']) || low.is_empty() || high.is_empty() {
        return None;
    }
    let swapped = match name {
        "int4range" | "int8range" => {
            let (Ok(low), Ok(high)) = (low.parse::<i64>(), high.parse::<i64>()) else { return Some(Bounds::Unread) };
            low > high
        }
        "numrange" => {
            let (Ok(low), Ok(high)) = (low.parse::<f64>(), high.parse::<f64>()) else { return Some(Bounds::Unread) };
            low > high
        }
        "daterange" if low.len() == 10 && high.len() == 10 => {
            if moment(low).is_none() || moment(high).is_none() {
                return Some(Bounds::Unread);
            }
            let is_plain = |date: &str| date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
            is_plain(low) && is_plain(high) && low > high
        }
        _ => return None,
    };
    Some(if swapped { Bounds::Swapped } else { Bounds::Right })
}

fn whole(text: &str, low: i128, high: i128) -> Option<()> {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.starts_with("0x") || digits.starts_with("0b") || digits.starts_with("0o") || digits.contains('_') {
        return Some(());
    }
    let value: i128 = text.parse().ok()?;
    (low..=high).contains(&value).then_some(())
}

/// Hours, minutes and seconds in the common form; of another one nothing is known.
fn time(text: &str) -> Option<()> {
    let parts: Vec<&str> = text.split(':').collect();
    let plain = |part: &str| !part.is_empty() && part.len() < 3 && part.bytes().all(|b| b.is_ascii_digit());
    let word = text.to_ascii_lowercase();
    let words = ["now", "allballs"];
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return word.split(|c: char| !c.is_ascii_alphabetic()).any(|w| words.contains(&w)).then_some(());
    }
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(|part| plain(part)) {
        return Some(());
    }
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let within = numbers[0] < 24 || numbers[0] == 24 && numbers[1..].iter().all(|n| *n == 0);
    (within && numbers[1] < 60 && numbers.get(2).is_none_or(|seconds| *seconds <= 60)).then_some(())
}

/// An address of four numbers; of other forms only the characters are looked at.
fn address(text: &str) -> Option<()> {
    let (host, mask) = text.split_once('/').map_or((text, None), |(host, mask)| (host, Some(mask)));
    let mask = mask.map(|mask| mask.parse::<u32>().ok());
    if host.contains(':') {
        let good = host.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        return (good && mask.is_none_or(|mask| mask.is_some_and(|mask| mask <= 128))).then_some(());
    }
    let parts: Vec<&str> = host.split('.').collect();
    // A network may leave out the rest.
    let good = parts.len() <= 4 && parts.iter().all(|part| part.parse::<u32>().is_ok_and(|n| n < 256));
    (good && mask.is_none_or(|mask| mask.is_some_and(|mask| mask <= 32))).then_some(())
}

/// Dates have many forms: only what has no digit and is no word for a day, and a wrong day in the common form, are refused.
fn moment(text: &str) -> Option<()> {
    let word = text.to_ascii_lowercase();
    if !word.contains(|c: char| c.is_ascii_digit()) {
        let words = ["now", "today", "tomorrow", "yesterday", "epoch", "infinity", "allballs"];
        return word.split(|c: char| !c.is_ascii_alphabetic()).any(|w| words.contains(&w)).then_some(());
    }
    let bytes = word.as_bytes();
    let number = |r: std::ops::Range<usize>| word.get(r).and_then(|t| t.parse::<u32>().ok());
    if bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes.get(10).is_none_or(|b| !b.is_ascii_digit()) {
        let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else { return Some(()) };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        return (1..=days).contains(&day).then_some(());
    }
    Some(())
}

/// Whether `text` is one JSON object.
pub fn is_json_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && json(text)
}

/// Whether `text` is one JSON value.
fn json(text: &str) -> bool {
    let mut reader = Json { bytes: text.as_bytes(), at: 0, deep: false };
    (reader.value(0) || reader.deep) && {
        reader.space();
        reader.deep || reader.at == reader.bytes.len()
    }
}

struct Json<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Nested deeper than is looked at.
    deep: bool,
}

impl Json<'_> {
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn string(&mut self) -> bool {
        if !self.eat(b'"') {
            return false;
        }
        while let Some(&b) = self.bytes.get(self.at) {
            self.at += 1;
            match b {
                b'"' => return true,
                b'\\' => self.at += 1,
                b if b < 0x20 => return false,
                _ => {}
            }
        }
        false
    }

    fn list(&mut self, end: u8, mut one: impl FnMut(&mut Self) -> bool) -> bool {
        self.at += 1;
        if self.eat(end) {
            return true;
        }
        loop {
            if !one(self) {
                return false;
            }
            if self.eat(end) {
                return true;
            }
            if !self.eat(b',') {
                return false;
            }
        }
    }

    fn value(&mut self, depth: usize) -> bool {
        // what is deeper is left to Postgres
        if depth > 100 {
            self.deep = true;
            return true;
        }
        self.space();
        match self.bytes.get(self.at) {
            Some(b'{') => self.list(b'}', |r| r.string() && r.eat(b':') && r.value(depth + 1)),
            Some(b'[') => self.list(b']', |r| r.value(depth + 1)),
            Some(b'"') => self.string(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                while self
                    .bytes
                    .get(self.at)
                    .is_some_and(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                {
                    self.at += 1;
                }
                std::str::from_utf8(&self.bytes[start..self.at]).is_ok_and(|t| t.parse::<f64>().is_ok())
            }
            _ => false,
        }
    }
}
