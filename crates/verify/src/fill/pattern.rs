//! A text that a simple regular expression takes, as SQL over the row's number.

use specc_sql::quote::literal;
use std::iter::Peekable;
use std::str::Chars;

type Input<'p> = Peekable<Chars<'p>>;

/// What a piece of the pattern can be made of.
enum Piece {
    Text(String),
    Digits,
    Lower,
    Upper,
    Group(Vec<String>),
}

/// The text; none where the pattern is beyond this.
pub(super) fn text(pattern: &str) -> Option<String> {
    let parts = sequence(&mut pattern.chars().peekable(), 0)?;
    Some(if parts.is_empty() { "''".into() } else { format!("({})", parts.join(" || ")) })
}

/// The first alternative, up to the bracket that closes it.
fn sequence(input: &mut Input<'_>, depth: usize) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut skips = false;
    while let Some(c) = input.next() {
        let piece = match c {
            '^' | '$' => continue,
            ')' if depth > 0 => return Some(parts),
            '|' => {
                skips = true;
                continue;
            }
            '(' => {
                if input.peek() == Some(&'?') {
                    input.next();
                    // What looks ahead or behind is beyond this.
                    if input.next() != Some(':') {
                        return None;
                    }
                }
                Piece::Group(sequence(input, depth + 1)?)
            }
            '[' => class(input)?,
            '\\' => match input.next()? {
                'd' => Piece::Digits,
                'w' => Piece::Lower,
                's' => Piece::Text(" ".into()),
                other if other.is_alphanumeric() => return None,
                other => Piece::Text(other.to_string()),
            },
            '.' => Piece::Lower,
            other => Piece::Text(other.to_string()),
        };
        let times = times(input)?;
        if !skips {
            piece.push(&mut parts, times);
        }
    }
    (depth == 0).then_some(parts)
}

/// What stands in square brackets.
fn class(input: &mut Input<'_>) -> Option<Piece> {
    let negated = input.next_if_eq(&'^').is_some();
    let mut text = String::new();
    while let Some(c) = input.next() {
        match c {
            ']' if !text.is_empty() => break,
            '\\' => text.extend(match input.next()? {
                'd' => "0-9".chars().collect::<Vec<_>>(),
                'w' => "a-z".chars().collect(),
                other => vec![other],
            }),
            other => text.push(other),
        }
    }
    Some(match () {
        () if negated => Piece::Lower,
        () if text.contains("a-z") => Piece::Lower,
        () if text.contains("A-Z") => Piece::Upper,
        () if text.contains("0-9") => Piece::Digits,
        () => Piece::Text(text.chars().next()?.to_string()),
    })
}

/// How often: none for as often as one likes.
fn times(input: &mut Input<'_>) -> Option<Option<usize>> {
    let times = match input.peek() {
        Some('+') => None,
        Some('*' | '?') => Some(0),
        Some('{') => {
            let mut text = String::new();
            for c in input.by_ref() {
                if c == '}' {
                    break;
                }
                text.push(c);
            }
            let (least, most) = text[1..].split_once(',').map_or((&text[1..], ""), |(a, b)| (a, b));
            let least: usize = least.trim().parse().ok()?;
            // A little more than nothing, where that may be.
            return Some(Some(if least == 0 && most != "0" { 1 } else { least }));
        }
        _ => return Some(Some(1)),
    };
    input.next();
    // A lazy one is the same here.
    input.next_if_eq(&'?');
    Some(times)
}

impl Piece {
    fn push(self, parts: &mut Vec<String>, times: Option<usize>) {
        let number = |n: Option<usize>| match n {
            None => "(g.i)::text".to_owned(),
            Some(n) => format!("lpad(((g.i)::bigint % {})::text, {n}, '0')", 10_i64.pow(n.min(9) as u32)),
        };
        match self {
            _ if times == Some(0) => {}
            Piece::Text(text) => parts.push(literal(&text.repeat(times.unwrap_or(1)))),
            Piece::Group(inner) => (0..times.unwrap_or(1)).for_each(|_| parts.extend(inner.iter().cloned())),
            Piece::Digits => parts.push(number(times)),
            Piece::Lower => parts.push(format!("translate({}, '0123456789', 'abcdefghij')", number(times))),
            Piece::Upper => parts.push(format!("translate({}, '0123456789', 'ABCDEFGHIJ')", number(times))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn patterns_become_texts() {
        assert_eq!(text("^[0-9]+$").as_deref(), Some("((g.i)::text)"));
        assert_eq!(text("^a(b|c)?x{2}$").as_deref(), Some("('a' || 'xx')"));
        assert_eq!(
            text("^[A-Z]{3}$").as_deref(),
            Some("(translate(lpad(((g.i)::bigint % 1000)::text, 3, '0'), '0123456789', 'ABCDEFGHIJ'))")
        );
        assert_eq!(text("(?=x)"), None);
    }
}
