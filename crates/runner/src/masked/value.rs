//! Other values in place of those that were there, of the same form and length.
//!
//! A mask is a permutation of all values of one form that leaves none in its place: letters stay letters of the same case,
//! digits stay digits, and what is neither stays as it is. So what was unique still is, equal values stay equal wherever they
//! stand, and most checks still hold. Which permutation it is, a key decides that nobody keeps.

use sha2::{Digest, Sha256};
use std::ops::Range;

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Letters and digits, whatever they mean.
    Text,
    /// The same between the braces of an array.
    List,
    /// Digits above nine are letters.
    Hex,
    /// A number, and the most digits that its type always holds.
    Number(usize),
    /// A date, and perhaps a time of day behind it, which stays.
    Date,
    /// An address of a network.
    Address,
    /// JSON: texts and numbers change, keys stay.
    Json,
}

/// The days from 1900 to 2024, and from there to 2099: a date stays in its part.
const DAYS: [Range<u32>; 2] = [0..45_656, 45_656..73_049];
/// Longer texts get a stream of their own, which costs less: that two of them meet is less likely than any other fault.
const LONG: usize = 96;
const ROUNDS: u8 = 6;

/// A symbol that changes: where it stands, and which of how many it is.
struct Symbol {
    at: usize,
    len: usize,
    first: u32,
    value: u32,
    radix: u32,
}

/// The permutations of a key.
pub(super) struct Mask {
    key: Vec<u8>,
}

impl Mask {
    pub(super) fn new(key: &str) -> Self {
        Self { key: key.as_bytes().to_vec() }
    }

    /// Masks a value in its place.
    pub(super) fn value(&self, form: Form, text: &mut [u8]) {
        match form {
            Form::Text => self.symbols(text, letters),
            Form::List => self.list(text),
            Form::Hex => self.symbols(text, hex),
            Form::Number(most) => self.number(text, most),
            Form::Date => self.date(text),
            Form::Address => self.symbols(text, octets),
            Form::Json => self.json(text, &|_| true),
        }
    }

    /// Masks the values of these keys of an object.
    pub(super) fn keys(&self, text: &mut [u8], wanted: &dyn Fn(&str) -> bool) {
        self.json(text, wanted);
    }

    fn symbols(&self, text: &mut [u8], find: impl Fn(&str) -> Vec<Symbol>) {
        let Ok(read) = std::str::from_utf8(text) else { return text.fill(b'0') };
        let mut symbols = find(read);
        if symbols.is_empty() {
            return;
        }
        // What stays is part of the form, and so decides with the key.
        let mut form = read.as_bytes().to_vec();
        for symbol in &symbols {
            form[symbol.at..symbol.at + symbol.len].fill(0);
        }
        form.extend(symbols.iter().flat_map(|symbol| symbol.radix.to_le_bytes()));
        if symbols.len() > LONG {
            let mut seed = form;
            seed.extend_from_slice(read.as_bytes());
            let mut stream = Stream::new(&self.key, &seed);
            for (n, symbol) in symbols.iter_mut().enumerate() {
                let some = stream.number();
                // The first never stays.
                symbol.value = match n {
                    0 => symbol.value + 1 + some % (symbol.radix - 1),
                    _ => symbol.value + some % symbol.radix,
                } % symbol.radix;
            }
        } else {
            (0..ROUNDS).for_each(|round| self.round(&mut symbols, &form, round, true));
            // A step that leaves nothing in its place, between a way there and the way back: the next number of this form, so
            // that steps lead through all of them.
            for symbol in &mut symbols {
                symbol.value = (symbol.value + 1) % symbol.radix;
                if symbol.value != 0 {
                    break;
                }
            }
            (0..ROUNDS).rev().for_each(|round| self.round(&mut symbols, &form, round, false));
        }
        for symbol in &symbols {
            write(text, symbol);
        }
    }

    /// Moves every second symbol by what the others are.
    fn round(&self, symbols: &mut [Symbol], form: &[u8], round: u8, there: bool) {
        let side = usize::from(round % 2);
        let mut seed = form.to_vec();
        seed.push(round);
        for symbol in symbols.iter().skip(1 - side).step_by(2) {
            seed.extend(symbol.value.to_le_bytes());
        }
        let mut stream = Stream::new(&self.key, &seed);
        for symbol in symbols.iter_mut().skip(side).step_by(2) {
            let by = stream.number() % symbol.radix;
            let by = if there { by } else { symbol.radix - by };
            symbol.value = (symbol.value + by) % symbol.radix;
        }
    }

    fn number(&self, text: &mut [u8], most: usize) {
        let from = text.iter().position(u8::is_ascii_digit).unwrap_or(text.len());
        let to = text[from..].iter().position(|b| matches!(b, b'e' | b'E')).map_or(text.len(), |at| from + at);
        let digits = text[from..to].iter().take_while(|b| b.is_ascii_digit()).count();
        self.symbols(&mut text[from..to], digits_of);
        // What has as many digits as there can be may be too much now.
        if digits >= most.max(1) && text[from] > b'1' {
            text[from] = b'1';
        }
    }

    fn date(&self, text: &mut [u8]) {
        let read = std::str::from_utf8(text).ok().filter(|read| read.len() >= 10 && !read.ends_with("BC"));
        let Some(days) = read.and_then(|read| days_of(read.get(..10)?)) else { return };
        let Some(part) = DAYS.iter().find(|part| part.contains(&days)) else { return };
        let mut now = days;
        // A number of the same form, again and again until it is one of a day.
        loop {
            let mut number = format!("{now:05}").into_bytes();
            self.symbols(&mut number, letters);
            now = String::from_utf8(number).ok().and_then(|text| text.parse().ok()).unwrap_or(days);
            if part.contains(&now) {
                break;
            }
        }
        text[..10].copy_from_slice(date_of(now).as_bytes());
    }

    /// The elements of an array; `NULL` without quotes is none.
    fn list(&self, text: &mut [u8]) {
        let mut at = 0;
        while at < text.len() {
            match text[at] {
                b'{' | b'}' | b',' => at += 1,
                b'"' => {
                    let end = end_of_quoted(text, at);
                    self.symbols(&mut text[at + 1..end], letters);
                    at = end + 1;
                }
                _ => {
                    let rest = text[at..].iter().position(|b| matches!(b, b',' | b'}'));
                    let end = rest.map_or(text.len(), |n| at + n);
                    if &text[at..end] != b"NULL" {
                        self.symbols(&mut text[at..end], letters);
                    }
                    at = end;
                }
            }
        }
    }

    /// Texts and numbers below the wanted keys of the object; those of all keys where the value is no object.
    fn json(&self, text: &mut [u8], wanted: &dyn Fn(&str) -> bool) {
        let (mut at, mut depth) = (0, 0_usize);
        // Whether what comes next is below a wanted key.
        let mut masks = wanted("");
        while at < text.len() {
            match text[at] {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    let end = end_of_quoted(text, at);
                    let after = text.get(end + 1..).unwrap_or_default();
                    if after.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':') {
                        if depth == 1 {
                            masks = std::str::from_utf8(&text[at + 1..end]).is_ok_and(wanted);
                        }
                    } else if masks {
                        self.json_text(&mut text[at + 1..end]);
                    }
                    at = end;
                }
                b'-' | b'0'..=b'9' => {
                    let rest =
                        text[at..].iter().position(|b| !matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
                    let end = rest.map_or(text.len(), |n| at + n);
                    if masks {
                        self.number(&mut text[at..end], usize::MAX);
                    }
                    at = end - 1;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// A text of JSON, in which a backslash and what belongs to it stay.
    fn json_text(&self, text: &mut [u8]) {
        self.symbols(text, |read| {
            let mut kept = vec![false; read.len()];
            let bytes = read.as_bytes();
            let mut at = 0;
            while at < bytes.len() {
                if bytes[at] == b'\\' {
                    let len = if bytes.get(at + 1) == Some(&b'u') { 6 } else { 2 };
                    let end = (at + len).min(bytes.len());
                    kept[at..end].fill(true);
                    at = end;
                } else {
                    at += 1;
                }
            }
            letters(read).into_iter().filter(|symbol| !kept[symbol.at]).collect()
        });
    }
}

/// Where the quoted text ends that starts here.
fn end_of_quoted(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    text.len().saturating_sub(1).max(start)
}

fn symbol(at: usize, len: usize, code: u32, first: u32, radix: u32) -> Symbol {
    Symbol { at, len, first, value: code - first, radix }
}

fn letters(text: &str) -> Vec<Symbol> {
    let one = |(at, c): (usize, char)| {
        let code = u32::from(c);
        Some(match c {
            '0'..='9' => symbol(at, 1, code, u32::from('0'), 10),
            'a'..='z' => symbol(at, 1, code, u32::from('a'), 26),
            'A'..='Z' => symbol(at, 1, code, u32::from('A'), 26),
            // Letters of other alphabets stay in their part of Unicode, and so as long as they are.
            _ if c.is_alphabetic() && code < 0xD7C0 => symbol(at, c.len_utf8(), code, block(code), radix_of(code)),
            _ => return None,
        })
    };
    text.char_indices().filter_map(one).collect()
}

/// Letters beside each other: those of Latin with accents by their case, of others 32 at a time.
fn block(code: u32) -> u32 {
    match code {
        0xC0..=0xD6 => 0xC0,
        0xD8..=0xDE => 0xD8,
        0xDF..=0xF6 => 0xDF,
        0xF8..=0xFF => 0xF8,
        _ => code & !31,
    }
}

fn radix_of(code: u32) -> u32 {
    match code {
        0xC0..=0xD6 => 23,
        0xD8..=0xDE => 7,
        0xDF..=0xF6 => 24,
        0xF8..=0xFF => 8,
        _ => 32,
    }
}

fn hex(text: &str) -> Vec<Symbol> {
    let from = if text.starts_with("\\x") { 2 } else { 0 };
    let digits = text.bytes().enumerate().skip(from).filter(|(_, b)| b.is_ascii_hexdigit());
    let value = |b: u8| char::from(b).to_digit(16).unwrap_or_default();
    digits.map(|(at, b)| Symbol { at, len: 1, first: u32::MAX, value: value(b), radix: 16 }).collect()
}

/// Digits of a number: the first stays one that a number can start with.
fn digits_of(text: &str) -> Vec<Symbol> {
    let mut started = false;
    let whole = text.split('.').next().unwrap_or_default().len();
    let one = |(at, b): (usize, u8)| {
        if !b.is_ascii_digit() || (!started && at < whole && b == b'0') {
            return None;
        }
        let first = !started && at < whole;
        started = true;
        let zero = u32::from(b'0') + u32::from(first);
        Some(symbol(at, 1, u32::from(b), zero, if first { 9 } else { 10 }))
    };
    text.bytes().enumerate().filter_map(one).collect()
}

/// Numbers of one to three digits, each with as many as before; what follows a slash stays.
fn octets(text: &str) -> Vec<Symbol> {
    let address = text.split('/').next().unwrap_or_default();
    if address.contains(':') {
        return hex(address);
    }
    let mut found = Vec::new();
    let mut at = 0;
    for part in address.split('.') {
        if let Ok(number) = part.parse::<u32>() {
            let (first, radix) = match part.len() {
                1 => (0, 10),
                2 => (10, 90),
                _ => (100, 156),
            };
            if (first..first + radix).contains(&number) {
                found.push(symbol(at, part.len(), number, first, radix));
            }
        }
        at += part.len() + 1;
    }
    found
}

fn write(text: &mut [u8], symbol: &Symbol) {
    let place = &mut text[symbol.at..symbol.at + symbol.len];
    if symbol.first == u32::MAX {
        let digit = char::from_digit(symbol.value, 16).unwrap_or('0');
        place[0] = u8::try_from(digit).unwrap_or(b'0');
    } else if symbol.radix == 90 || symbol.radix == 156 || (symbol.first == 0 && symbol.radix == 10) {
        place.copy_from_slice((symbol.first + symbol.value).to_string().as_bytes());
    } else if let Some(c) = char::from_u32(symbol.first + symbol.value).filter(|c| c.len_utf8() == symbol.len) {
        c.encode_utf8(place);
    }
}

/// Days since 1900 of `2000-01-31`.
fn days_of(date: &str) -> Option<u32> {
    let mut parts = date.split('-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then(|| (1900..year).map(length).sum::<u32>() + (1..month).map(|m| month_of(year, m)).sum::<u32>() + day - 1)
}

fn date_of(mut days: u32) -> String {
    let mut year = 1900;
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let mut month = 1;
    while days >= month_of(year, month) {
        days -= month_of(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn length(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_of(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Numbers that only who has the key can tell.
struct Stream {
    seed: [u8; 32],
    block: [u8; 32],
    count: u64,
    at: usize,
}

impl Stream {
    fn new(key: &[u8], seed: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(key);
        hash.update(seed);
        Self { seed: hash.finalize().into(), block: [0; 32], count: 0, at: 32 }
    }

    fn number(&mut self) -> u32 {
        if self.at + 4 > self.block.len() {
            let mut hash = Sha256::new();
            hash.update(self.seed);
            hash.update(self.count.to_le_bytes());
            self.block = hash.finalize().into();
            self.count += 1;
            self.at = 0;
        }
        let some = &self.block[self.at..self.at + 4];
        self.at += 4;
        u32::from_le_bytes([some[0], some[1], some[2], some[3]])
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Mask, date_of, days_of};
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn masked(form: Form, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        Mask::new("key").value(form, &mut bytes);
        String::from_utf8(bytes).expect("text stays text")
    }

    #[test]
    fn all_short_values_change_places_and_none_stays() {
        for (form, all) in [
            (Form::Text, (0..1000).map(|n| format!("{n:03}")).collect::<Vec<_>>()),
            (Form::Text, ('a'..='z').map(String::from).collect()),
            (Form::Number(10), (1..1000).map(|n| n.to_string()).collect()),
            (Form::Date, (0..45_000).step_by(23).map(date_of).collect()),
            (Form::Hex, (0..1024).map(|n| format!("\\x{n:04x}")).collect()),
            (Form::Address, (0..256).map(|n| format!("10.0.{n}.7/24")).collect()),
        ] {
            let now: HashSet<String> = all.iter().map(|value| masked(form, value)).collect();
            assert_eq!(now.len(), all.len(), "{form:?}");
            assert!(all.iter().all(|value| masked(form, value) != *value), "{form:?}");
        }
    }

    #[test]
    fn the_form_of_a_value_stays() {
        assert_eq!(masked(Form::Json, "{\"k\": [null, true], \"e\": {}}"), "{\"k\": [null, true], \"e\": {}}");
        let json = masked(Form::Json, r#"{"name": "Ana \"x\" é", "n": -12.50, "in": {"name": 7}}"#);
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON stays JSON");
        assert_ne!(read["name"], "Ana \"x\" é");
        assert_ne!(read["n"], -12.5);
        assert!(json.contains("\"in\": {\"name\": ") && json.contains("\\\""), "{json}");
        let list = masked(Form::List, "{tag,NULL,\"two words\"}");
        assert!(list.contains(",NULL,\"") && !list.contains("tag") && list.len() == 22, "{list}");
        let mut log = br#"{"email": "ana@x", "id": 5}"#.to_vec();
        Mask::new("key").keys(&mut log, &|key| key == "email");
        let log = String::from_utf8(log).expect("text");
        assert!(!log.contains("ana") && log.ends_with("\"id\": 5}"), "{log}");
        for day in [0, 59, 60, 36_524, 73_048] {
            assert_eq!(days_of(&date_of(day)), Some(day));
        }
    }

    proptest! {
        #[test]
        fn any_text_changes_and_keeps_its_length(text in "\\PC{0,200}") {
            let now = masked(Form::Text, &text);
            prop_assert_eq!(now.len(), text.len());
            let changes = text.chars().any(char::is_alphanumeric) && text.chars().any(|c| c.is_ascii_alphanumeric());
            prop_assert!(!changes || now != text);
            for (was, is) in text.chars().zip(now.chars()) {
                prop_assert_eq!(was.is_ascii_digit(), is.is_ascii_digit());
                prop_assert_eq!(was.is_ascii_lowercase(), is.is_ascii_lowercase());
            }
        }
    }
}
