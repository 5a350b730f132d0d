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

/// Which of two names comes first; equal where only what is not seen differs.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::compare;

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
}
