//! Texts that a regular expression takes. A number says which: different numbers give different texts for as long as there are
//! enough of them.

use crate::draw::Shuffle;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// How many more than the least of a repetition that has no most.
const MORE: u32 = 12;

/// A regular expression, read.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Hir);

impl Pattern {
    /// Reads one of Postgres's; none where it has what this cannot follow, as looking ahead and back references.
    pub fn read(text: &str) -> Option<Self> {
        let hir = regex_syntax::ParserBuilder::new().build().parse(text).ok()?;
        hir.properties().look_set().iter().all(|look| matches!(look, Look::Start | Look::End)).then_some(Self(hir))
    }

    /// The text of a number: another one for each, as long as there are so many.
    pub fn text(&self, number: u64) -> String {
        let mut out = String::new();
        // Neighbours look as different as others.
        let place = match self.texts() {
            u64::MAX => number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            texts => Shuffle::new(texts, 11).at(number % texts.max(1)),
        };
        push(&self.0, place, &mut out);
        out
    }

    /// How many different texts there are, at least; the most that a number can say where there are more.
    pub fn texts(&self) -> u64 {
        count(&self.0)
    }
}

/// The characters of a class that are found on a keyboard, or all where there are none.
fn characters(class: &Class) -> Vec<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect(),
    };
    let usual: Vec<char> = (' '..='~').filter(|c| ranges.iter().any(|(a, b)| (a..=b).contains(&c))).collect();
    // Letters and digits, where the class is as wide as "anything but".
    let plain: Vec<char> = usual.iter().copied().filter(char::is_ascii_alphanumeric).collect();
    match () {
        () if usual.len() > 60 && !plain.is_empty() => plain,
        () if !usual.is_empty() => usual,
        () => ranges.iter().map(|(start, _)| *start).collect(),
    }
}

/// The text at a place among all that there are.
fn push(hir: &Hir, place: u64, out: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => {
            let all = characters(class);
            out.extend(all.get((place % all.len().max(1) as u64) as usize));
        }
        HirKind::Repetition(repetition) => {
            let most = most(repetition);
            if is_optional(repetition.min, most) {
                if let Some(place) = place.checked_sub(1) {
                    push(&repetition.sub, place, out);
                }
                return;
            }
            // As long as it may be, so that there are as many texts as there can be.
            let (one, mut left) = (count(&repetition.sub).max(1), place);
            for _ in 0..most {
                push(&repetition.sub, left % one, out);
                left /= one;
            }
        }
        HirKind::Capture(capture) => push(&capture.sub, place, out),
        HirKind::Concat(list) => {
            let mut left = place;
            for part in list {
                let one = count(part).max(1);
                push(part, left % one, out);
                left /= one;
            }
        }
        HirKind::Alternation(list) => {
            let mut left = place;
            for part in list {
                let one = count(part);
                if left < one {
                    return push(part, left, out);
                }
                left -= one;
            }
        }
    }
}

/// How often what is repeated stands there at most: what has many characters itself is there once more than it has to be.
fn most(repetition: &Repetition) -> u32 {
    let more = if matches!(repetition.sub.kind(), HirKind::Class(_)) { MORE } else { 1 };
    repetition.max.unwrap_or(repetition.min + more).min(repetition.min + more)
}

/// `x?`
fn is_optional(least: u32, most: u32) -> bool {
    (least, most) == (0, 1)
}

fn count(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) => 1,
        HirKind::Class(class) => characters(class).len().max(1) as u64,
        HirKind::Repetition(repetition) => {
            let most = most(repetition);
            let one = count(&repetition.sub);
            match is_optional(repetition.min, most) {
                true => one.saturating_add(1),
                false => one.saturating_pow(most),
            }
        }
        HirKind::Capture(capture) => count(&capture.sub),
        HirKind::Concat(list) => list.iter().map(count).fold(1, u64::saturating_mul),
        HirKind::Alternation(list) => list.iter().map(count).fold(0, u64::saturating_add),
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_give_different_texts() {
        for (pattern, texts) in
            [("^[a-z]{3}$", 17_576), ("^(ab|cd)[0-9]{2}$", 200), ("^[A-Z]{2}-\\d{4}$", 6_760_000), ("^x$", 1)]
        {
            let read = Pattern::read(pattern).expect(pattern);
            assert_eq!(read.texts(), texts, "{pattern}");
            let some = texts.min(3000);
            let all: BTreeSet<String> = (0..some).map(|number| read.text(number)).collect();
            assert_eq!(all.len() as u64, some, "{pattern}: {all:?}");
        }
        let slug = Pattern::read("^[a-z0-9]+(-[a-z0-9]+)*$").expect("a pattern");
        assert!(slug.texts() > 1 << 40 && slug.text(5).chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        assert!(Pattern::read("(?=x)").is_none() && Pattern::read("(a)\\1").is_none());
    }
}
