//! Texts that a regular expression takes. A number says which: different numbers give different texts for as long as there are
//! enough of them.

use crate::draw::stir;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// How many more than the least of a repetition that has no most.
const MORE: u32 = 12;

/// A regular expression, read.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Hir);

/// A number that is taken apart, choice by choice; when nothing is left of it, what follows is drawn.
struct Choices {
    left: u64,
    seed: u64,
}

impl Choices {
    fn below(&mut self, n: u64) -> u64 {
        let n = n.max(1);
        if self.left > 0 {
            let one = self.left % n;
            self.left /= n;
            return one;
        }
        self.seed = stir(&[self.seed]);
        self.seed % n
    }
}

impl Pattern {
    /// Reads one of Postgres's; none where it has what this cannot follow, as looking ahead and back references.
    pub fn read(text: &str) -> Option<Self> {
        let hir = regex_syntax::ParserBuilder::new().build().parse(text).ok()?;
        hir.properties().look_set().iter().all(|look| matches!(look, Look::Start | Look::End)).then_some(Self(hir))
    }

    /// The text of a number.
    pub fn text(&self, number: u64) -> String {
        let mut out = String::new();
        push(&self.0, &mut Choices { left: number, seed: stir(&[number, 11]) }, &mut out);
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

fn push(hir: &Hir, choices: &mut Choices, out: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => {
            let all = characters(class);
            if let Some(c) = all.get(choices.below(all.len() as u64) as usize) {
                out.push(*c);
            }
        }
        HirKind::Repetition(repetition) => {
            let most = most(repetition);
            // As long as it may be, so that there are as many texts as there can be.
            let times = if is_usual_optional(repetition.min, most) { choices.below(2) as u32 } else { most };
            (0..times).for_each(|_| push(&repetition.sub, choices, out));
        }
        HirKind::Capture(capture) => push(&capture.sub, choices, out),
        HirKind::Concat(list) => list.iter().for_each(|one| push(one, choices, out)),
        HirKind::Alternation(list) => {
            if let Some(one) = list.get(choices.below(list.len() as u64) as usize) {
                push(one, choices, out);
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
fn is_usual_optional(least: u32, most: u32) -> bool {
    (least, most) == (0, 1)
}

fn count(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) => 1,
        HirKind::Class(class) => characters(class).len().max(1) as u64,
        HirKind::Repetition(repetition) => {
            let most = most(repetition);
            let one = count(&repetition.sub);
            match is_usual_optional(repetition.min, most) {
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
