//! Escapes in strings: `E'…'`, of which the tokenizer does not read all that Postgres reads, and what no text can hold.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// What is wrong with an escape: its bytes, a message, and what to write.
pub(crate) type Wrong = (usize, usize, &'static str, &'static str);

const ZERO: (&str, &str) = ("this is the character zero, which Postgres takes in no text", "remove it");
const HALF: (&str, &str) = (
    "this is half of a character, and its other half is missing",
    "write both: `\\uD83D\\uDE00`, or the character itself",
);
const NONE: (&str, &str) =
    ("these bytes are no character of UTF-8", "write the character itself, or `\\u` and its number");
const DIGITS: (&str, &str) =
    ("`\\u` takes 4 hexadecimal digits, and `\\U` 8", "write all digits, with zeros before them");

/// `text` with the `E'…'` at byte `at`, which the tokenizer cannot read, as a plain string that has the same value and the same
/// place; none where there is no such string, and what is wrong where Postgres does not read it either.
pub(crate) fn plainly(text: &str, at: usize) -> Result<Option<String>, Wrong> {
    let Some(body) = text[at..].strip_prefix(['e', 'E']).and_then(|rest| rest.strip_prefix('\'')) else {
        return Ok(None);
    };
    let first = text.len() - body.len();
    let Some((value, end)) = value(text, first)? else { return Ok(None) };
    let mut plain = format!("'{}'", value.replace('\'', "''"));
    let missing = text[at..end].chars().count().checked_sub(plain.chars().count());
    // What spans lines or has no room is left alone.
    let Some(missing) = missing.filter(|_| !text[at..end].contains('\n') && !value.contains('\n')) else {
        return Ok(None);
    };
    plain.extend(std::iter::repeat_n(' ', missing));
    Ok(Some(format!("{}{plain}{}", &text[..at], &text[end..])))
}

/// The value of the string whose first character is at `first`, and where the string ends; none where it has no end.
fn value(text: &str, first: usize) -> Result<Option<(String, usize)>, Wrong> {
    let mut out: Vec<u8> = Vec::new();
    let mut high: Option<(usize, u32)> = None;
    let mut at = first;
    let wrong = |from: usize, to: usize, (message, help): (&'static str, &'static str)| Err((from, to, message, help));
    loop {
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { return Ok(None) };
        let from = at;
        let unit = rest.strip_prefix("\\u").map(|d| (d, 4)).or(rest.strip_prefix("\\U").map(|d| (d, 8)));
        if let Some((digits, count)) = unit {
            let Some(code) = digits.get(..count).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit())) else {
                return wrong(from, from + 2, DIGITS);
            };
            let code = u32::from_str_radix(code, 16).unwrap_or(u32::MAX);
            at += 2 + count;
            let code = match (high.take(), code) {
                (_, 0) => return wrong(from, at, ZERO),
                (None, 0xd800..=0xdbff) => {
                    high = Some((from, code));
                    continue;
                }
                (Some((_, first)), 0xdc00..=0xdfff) => 0x10000 + ((first - 0xd800) << 10) + (code - 0xdc00),
                (Some((half, _)), _) => return wrong(half, half + 6, HALF),
                (None, code) => code,
            };
            match char::from_u32(code) {
                Some(c) => out.extend(c.to_string().bytes()),
                None => return wrong(from, at, if code < 0xe000 { HALF } else { NONE }),
            }
            continue;
        }
        if let Some((half, _)) = high {
            return wrong(half, half + 6, HALF);
        }
        if c == '\'' && !rest.starts_with("''") {
            break;
        }
        if c != '\\' {
            out.extend(c.to_string().bytes());
            at += if c == '\'' { 2 } else { c.len_utf8() };
            continue;
        }
        let Some(escaped) = rest[1..].chars().next() else { return Ok(None) };
        at += 1 + escaped.len_utf8();
        let numbered = |digits: &str, radix: u32, most: usize| {
            let length = digits.chars().take(most).take_while(|c| c.is_digit(radix)).count();
            (u32::from_str_radix(&digits[..length], radix).ok().map(|n| n as u8), length)
        };
        let byte = match escaped {
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'x' => {
                let (byte, length) = numbered(&text[at..], 16, 2);
                at += length;
                byte.unwrap_or(b'x')
            }
            '0'..='7' => {
                let (byte, length) = numbered(&text[at - 1..], 8, 3);
                at += length - 1;
                byte.unwrap_or_default()
            }
            other => {
                out.extend(other.to_string().bytes());
                continue;
            }
        };
        if byte == 0 {
            return wrong(from, at, ZERO);
        }
        out.push(byte);
    }
    match String::from_utf8(out) {
        Ok(value) => Ok(Some((value, at + 1))),
        Err(_) => wrong(first, at, NONE),
    }
}

/// The first string among tokens whose value has the character zero.
pub(crate) fn zero(text: &str, tokens: &[TokenWithSpan]) -> Option<Wrong> {
    let has = |token: &&TokenWithSpan| match &token.token {
        Token::UnicodeStringLiteral(value) | Token::EscapedStringLiteral(value) => value.contains('\0'),
        _ => false,
    };
    let (start, end) = crate::place::bytes(text, tokens.iter().find(has)?.span)?;
    Some((start, end, ZERO.0, ZERO.1))
}

#[cfg(test)]
mod tests {
    use crate::parse_expr;
    use specc_diag::{FileId, Span};

    fn read(text: &str) -> Result<String, String> {
        let read = parse_expr(text, Span::new(FileId(0), 0, text.len()));
        read.map(|expr| expr.to_string()).map_err(|found| {
            let span = found.span();
            format!("{}: {}", &text[span.start as usize..span.end as usize], found.message)
        })
    }

    #[test]
    fn what_postgres_reads_is_read() {
        for (text, value) in [
            (r"E'\xc3\xa9' || 'x'", "'é' || 'x'"),
            (r"e'\303\251'", "'é'"),
            (r"E'\uD83D\uDE00it''s'", "'😀it''s'"),
            (r"E'\xc3\xa9' || E'\xc3\xa4'", "'é' || 'ä'"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_no_text_holds_is_refused_at_its_place() {
        for (text, place) in [
            (r"E'a\000b'", r"\000"),
            (r"E'\x00'", r"\x00"),
            (r"E'\u0000'", r"\u0000"),
            (r"U&'\0000'", r"U&'\0000'"),
            (r"E'\xff'", r"\xff"),
            (r"E'\uD800'", r"\uD800"),
            (r"E'\uD800x'", r"\uD800"),
            (r"E'\uDC00'", r"\uDC00"),
            (r"E'\U00110000'", r"\U00110000"),
            (r"E'\u12'", r"\u"),
        ] {
            assert!(read(text).is_err_and(|said| said.starts_with(&format!("{place}: "))), "{text}: {:?}", read(text));
        }
    }
}
