//! Whether the text of a literal can be read as a type: only what Postgres refuses for certain is refused here.

mod parts;
mod queries;
mod rare;

/// Reads `value` as the type of this name, or as an array of it; the error says what to write.
pub fn read_literal(value: &str, name: &str, array: bool) -> Result<(), String> {
    match array {
        true => parts::array(value, name, &mut |item| plain(item, name)),
        false => plain(value, name),
    }
}

/// The items of an array of this type, however deep it is and without its nulls; the error says what to write.
pub fn array_items(value: &str, name: &str) -> Result<Vec<String>, String> {
    let mut items = Vec::new();
    parts::array(value, name, &mut |item| {
        items.push(item.to_owned());
        Ok(())
    })?;
    Ok(items)
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
            let good = match hex {
                Some(hex) => hex.len() % 2 == 0 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
                None => escapes(value),
            };
            if good { Ok(()) } else { bad("bytes are written `'\\x0123abcd'`") }
        }
        "inet" | "cidr" => {
            if address(text, name == "cidr").is_some() {
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
        "jsonpath" if !queries::path(text) => bad("a path into JSON is written `'$.key[*]'`"),
        "tsquery" if !queries::search(value) => bad("words of a search stand between operators: `'fat & (rat | cat)'`"),
        "tsvector" if !queries::words(value) => bad("a word that begins with `'` ends with one"),
        "xml" if !queries::xml(value) => bad("each tag of XML is closed, in its order: `'<a><b/></a>'`"),
        name if name.ends_with("multirange") => parts::ranges(text, name),
        name if name.ends_with("range") => parts::range(text, name),
        // Bits take no spaces.
        "bit" | "varbit" => rare::rare(value, name),
        name => rare::rare(text, name),
    }
}

/// Whether each `\` is doubled, or stands before three octal digits.
fn escapes(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let tail = &rest[at + 1..];
        let octal =
            tail.len() >= 3 && tail.as_bytes()[0] <= b'3' && tail.bytes().take(3).all(|b| (b'0'..=b'7').contains(&b));
        rest = match tail.strip_prefix('\\') {
            Some(more) => more,
            None if octal => &tail[3..],
            None => return false,
        };
    }
    true
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

/// An address of four numbers, of which a network may leave out the last; in a network no bit behind the mask is set. Of other
/// forms only the characters are looked at.
fn address(text: &str, network: bool) -> Option<()> {
    let (host, mask) = text.split_once('/').map_or((text, None), |(host, mask)| (host, Some(mask)));
    let mask = match mask {
        Some(mask) => Some(mask.parse::<u32>().ok()?),
        None => None,
    };
    if host.contains(':') {
        if mask.is_some_and(|mask| mask > 128) {
            return None;
        }
        let Ok(address) = host.parse::<std::net::Ipv6Addr>() else { return None };
        let behind = mask.is_some_and(|mask| mask < 128 && u128::from(address) << mask != 0);
        return (!network || !behind).then_some(());
    }
    let parts: Vec<u32> = host.split('.').map(|part| part.parse().ok().filter(|n| *n < 256)).collect::<Option<_>>()?;
    // Without a mask all four are there, unless it is a network.
    let short = parts.len() < 4 && !network && mask.is_none();
    if parts.len() > 4 || short || mask.is_some_and(|mask| mask > 32) {
        return None;
    }
    let address = parts.iter().chain(std::iter::repeat(&0)).take(4).fold(0u32, |all, part| all << 8 | part);
    let behind = mask.is_some_and(|mask| mask < 32 && address << mask != 0);
    (!network || !behind).then_some(())
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
