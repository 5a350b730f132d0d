//! `U&'…' uescape '…'`, which the parser does not know: put together to the string that it means.

use crate::place;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Replaces each string with an escape character of its own by its value.
pub(crate) fn join(text: &str, tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at < tokens.len() {
        if let Some((value, last)) = whole(text, tokens, at) {
            tokens[at].token = Token::SingleQuotedString(value);
            tokens[at].span.end = tokens[last].span.end;
            tokens.drain(at + 1..=last);
        }
        at += 1;
    }
}

/// The value of the string that begins at a token, and its last token.
fn whole(text: &str, tokens: &[TokenWithSpan], at: usize) -> Option<(String, usize)> {
    let Token::UnicodeStringLiteral(_) = tokens[at].token else { return None };
    let next = |after: usize| (after + 1..tokens.len()).find(|n| !matches!(tokens[*n].token, Token::Whitespace(_)));
    let word = next(at)?;
    let last = next(word)?;
    let Token::Word(uescape) = &tokens[word].token else { return None };
    let Token::SingleQuotedString(escape) = &tokens[last].token else { return None };
    let mut escape = escape.chars();
    let (Some(escape), None) = (escape.next(), escape.next()) else { return None };
    let is_escape = uescape.quote_style.is_none() && uescape.value.eq_ignore_ascii_case("uescape");
    if !is_escape || escape.is_ascii_hexdigit() || escape.is_whitespace() || matches!(escape, '+' | '\'' | '"') {
        return None;
    }
    let (start, end) = place::bytes(text, tokens[at].span)?;
    let written = text[start..end].get(3..)?.strip_suffix('\'')?;
    Some((value(&written.replace("''", "'"), escape)?, last))
}

/// `written` with what its escapes stand for; none where one of them is not whole.
fn value(written: &str, escape: char) -> Option<String> {
    let mut out = String::new();
    let mut rest = written.chars();
    // The first half of a character that takes two.
    let mut high: Option<u32> = None;
    while let Some(c) = rest.next() {
        if c != escape || rest.as_str().starts_with(escape) {
            if c == escape {
                rest.next();
            }
            if high.is_some() {
                return None;
            }
            out.push(c);
            continue;
        }
        let (skip, length) = if rest.as_str().starts_with('+') { (1, 6) } else { (0, 4) };
        let digits = rest.as_str().get(skip..skip + length)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut code = u32::from_str_radix(digits, 16).ok()?;
        rest = rest.as_str()[skip + length..].chars();
        match (high.take(), code) {
            (None, 0xd800..=0xdbff) => {
                high = Some(code);
                continue;
            }
            (Some(first), 0xdc00..=0xdfff) => code = 0x10000 + ((first - 0xd800) << 10) + (code - 0xdc00),
            (Some(_), _) => return None,
            (None, _) => {}
        }
        out.push(char::from_u32(code).filter(|c| *c != '\0')?);
    }
    high.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use crate::parse_expr;
    use specc_diag::{FileId, Span};

    fn read(text: &str) -> Option<String> {
        parse_expr(text, Span::new(FileId(0), 0, text.len())).ok().map(|expr| expr.to_string())
    }

    #[test]
    fn escapes_of_the_authors_choice_are_read() {
        for (text, value) in [
            ("U&'d!0061t!+000061' uescape '!'", "'data'"),
            ("u&'a!!b' UESCAPE '!'", "'a!b'"),
            ("U&'!D83D!DE00' uescape '!' || 'x'", "'😀' || 'x'"),
            ("U&'it''s' uescape '!'", "'it''s'"),
        ] {
            assert_eq!(read(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for text in [
            "U&'!00' uescape '!'",
            "U&'!D83D' uescape '!'",
            "U&'a' uescape '+'",
            "'a' uescape '!'",
            "U&'!0000' uescape '!'",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
