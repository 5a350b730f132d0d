//! The order of names: that of the root collation of Unicode, which programs in JavaScript compare by.
//!
//! Signs and letters of ASCII have their exact places, letters with marks follow the plain ones; other scripts follow in
//! the order of their code points, other signs come before the digits.

use std::cmp::Ordering;
use unicode_normalization::UnicodeNormalization;

/// The signs of ASCII in their order.
const SIGNS: &str = "\t\n\u{b}\u{c}\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// Letters that are others with a stroke, or two in one.
fn parts(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'đ' | 'Đ' => "d",
        'ł' | 'Ł' => "l",
        'ħ' | 'Ħ' => "h",
        'ŧ' | 'Ŧ' => "t",
        _ => return None,
    })
}

/// What a text is compared by: letters, then their marks, then their case.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    letters: Vec<(u8, u32)>,
    marks: Vec<u32>,
    cases: Vec<bool>,
}

fn key(text: &str) -> Key {
    let mut key = Key { letters: Vec::new(), marks: Vec::new(), cases: Vec::new() };
    for c in text.nfd() {
        if ('\u{300}'..='\u{36f}').contains(&c) {
            key.marks.push(u32::from(c));
            continue;
        }
        let mut add = |class: u8, place: u32, upper: bool| {
            key.letters.push((class, place));
            key.marks.push(0);
            key.cases.push(upper);
        };
        match SIGNS.find(c) {
            Some(place) => add(0, place as u32, false),
            // What is not seen has no place.
            None if c.is_control() => {}
            None if c.is_ascii_digit() => add(2, u32::from(c), false),
            None if c.is_alphanumeric() => {
                let upper = c.is_uppercase();
                match parts(c) {
                    Some(several) => {
                        several.chars().for_each(|part| add(3, u32::from(part), upper));
                        key.marks.push(1);
                    }
                    None => c.to_lowercase().for_each(|lower| add(3, u32::from(lower), upper)),
                }
            }
            None => add(1, u32::from(c), false),
        }
    }
    key
}

/// The place of each letter of ASCII among the others; 0: it is not seen.
static ASCII: [u8; 128] = {
    let mut places = [0; 128];
    let mut at = 0;
    while at < SIGNS.len() {
        places[SIGNS.as_bytes()[at] as usize] = 1 + at as u8;
        at += 1;
    }
    let mut n = 0;
    while n < 10 {
        places[b'0' as usize + n] = 64 + n as u8;
        n += 1;
    }
    let mut n = 0;
    while n < 26 {
        places[b'a' as usize + n] = 80 + n as u8;
        places[b'A' as usize + n] = 80 + n as u8;
        n += 1;
    }
    places
};

/// Which of two names comes first; equal where only what is not seen differs.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if !a.is_ascii() || !b.is_ascii() {
        return key(a).cmp(&key(b));
    }
    fn seen(text: &str) -> impl Iterator<Item = u8> {
        text.bytes().filter(|byte| ASCII[usize::from(*byte)] != 0)
    }
    let places = |text| seen(text).map(|byte| ASCII[usize::from(byte)]);
    let cases = |text| seen(text).map(|byte| byte.is_ascii_uppercase());
    places(a).cmp(places(b)).then_with(|| cases(a).cmp(cases(b)))
}

#[cfg(test)]
mod tests {
    use super::{compare, key};
    use proptest::prelude::*;

    #[test]
    fn names_are_in_the_order_of_the_root_collation() {
        let sorted = [
            "__proto__",
            "_under",
            "`tick`",
            "${x}",
            "$dollar",
            "1digit",
            "a_b",
            "a\"b",
            "aB",
            "abc",
            "ABC",
            "b10",
            "b2",
            "ea",
            "éa",
            "f",
            "ss",
            "ß",
            "Table Two",
            "Zed",
            "日本",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), std::cmp::Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), std::cmp::Ordering::Greater, "{pair:?}");
        }
    }

    proptest! {
        #[test]
        fn names_of_ascii_are_compared_as_all_others(a in "[ -~\\x00-\\x1f]{0,6}", b in "[ -~\\x00-\\x1f]{0,6}") {
            prop_assert_eq!(compare(&a, &b), key(&a).cmp(&key(&b)));
        }

        #[test]
        fn letters_and_cases_are_compared_as_all_others(a in "[aAbB_ 1]{0,5}", b in "[aAbB_ 1]{0,5}") {
            prop_assert_eq!(compare(&a, &b), key(&a).cmp(&key(&b)));
        }
    }
}
