//! How SQL text from the catalog is laid out: only white space between words is ever changed.

/// The width that lines are kept under where they can be.
pub const WIDTH: usize = 100;

/// Appends `(text)`: on this line if it is short, else with each part of a conjunction on a line of its own, `indent`
/// deeper than `depth`. Text that has lines keeps them.
pub fn push_parens(out: &mut String, text: &str, depth: usize) {
    let used = out.len() - out.rfind('\n').map_or(0, |at| at + 1);
    let one_line = !text.contains('\n') && !text.contains("--");
    if one_line && used + text.len() + 2 <= WIDTH {
        out.push('(');
        out.push_str(text);
        return out.push(')');
    }
    out.push_str("(\n");
    push_indent(out, depth + 2);
    push_wrapped(out, text, depth + 2);
    out.push('\n');
    push_indent(out, depth);
    out.push(')');
}

/// Appends `n` spaces.
pub fn push_indent(out: &mut String, n: usize) {
    const SPACES: &str = "                                                                ";
    let mut n = n;
    while n > SPACES.len() {
        out.push_str(SPACES);
        n -= SPACES.len();
    }
    out.push_str(&SPACES[..n]);
}

/// Appends `text`, each part of a conjunction or disjunction on a line of its own if it is long.
pub fn push_wrapped(out: &mut String, text: &str, depth: usize) {
    if text.contains('\n') || depth + text.len() <= WIDTH {
        return out.push_str(text);
    }
    let mut start = 0;
    for at in breaks(text) {
        out.push_str(&text[start..at]);
        out.push('\n');
        push_indent(out, depth);
        start = at + 1;
    }
    out.push_str(&text[start..]);
}

/// The spaces before each `and` and `or` that is in no parentheses, quotes, `case` or `between`.
fn breaks(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut between = false;
    for word in words(text) {
        match word.text {
            "between" => between = true,
            "and" if between => between = false,
            "and" | "or" if word.at > 0 && text.as_bytes()[word.at - 1] == b' ' => found.push(word.at - 1),
            _ => {}
        }
    }
    found
}

/// Whether `text` has to be put in parentheses to stand where only a part of the expression grammar may: after
/// `default`.
pub fn needs_parens(text: &str) -> bool {
    words(text).any(|word| specc_facts::is_operator_word(&word.text.to_ascii_lowercase())) || text.contains('\n')
}

struct Word<'a> {
    at: usize,
    text: &'a str,
}

/// The bare words of `text` that are in no parentheses, quotes, comments or `case`.
fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    std::iter::from_fn(move || {
        while at < bytes.len() {
            match bytes[at] {
                quote @ (b'\'' | b'"') => {
                    let escapes = quote == b'\'' && at > 0 && matches!(bytes[at - 1], b'e' | b'E');
                    at += 1;
                    while at < bytes.len() && bytes[at] != quote {
                        at += if escapes && bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'$' => at = end_of_dollars(bytes, at),
                b'-' if bytes.get(at + 1) == Some(&b'-') => {
                    while at < bytes.len() && bytes[at] != b'\n' {
                        at += 1;
                    }
                }
                b'(' | b'[' => {
                    depth += 1;
                    at += 1;
                }
                b')' | b']' => {
                    depth = depth.saturating_sub(1);
                    at += 1;
                }
                byte if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => {
                    let start = at;
                    while at < bytes.len()
                        && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || bytes[at] >= 0x80)
                    {
                        at += 1;
                    }
                    let word = &text[start..at];
                    let part = start > 0 && bytes[start - 1] == b'.' || bytes.get(at) == Some(&b'.');
                    if !part && word.eq_ignore_ascii_case("case") {
                        depth += 1;
                    } else if !part && word.eq_ignore_ascii_case("end") {
                        depth = depth.saturating_sub(1);
                    } else if !part && depth == 0 {
                        return Some(Word { at: start, text: word });
                    }
                }
                _ => at += 1,
            }
        }
        None
    })
}

/// After the dollar-quoted string at `at`, or after its first dollar if it is none.
fn end_of_dollars(bytes: &[u8], at: usize) -> usize {
    let Some(length) = bytes[at + 1..].iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')) else {
        return at + 1;
    };
    if bytes[at + 1 + length] != b'$' {
        return at + 1;
    }
    let tag = &bytes[at..at + length + 2];
    let rest = &bytes[at + tag.len()..];
    let close = rest.windows(tag.len()).position(|window| window == tag);
    close.map_or(bytes.len(), |found| at + tag.len() + found + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parens(text: &str) -> String {
        let mut out = String::from("  using ");
        push_parens(&mut out, text, 2);
        out
    }

    #[test]
    fn a_long_condition_breaks_where_it_may() {
        let long = "status = 'a and b' and starts_at between now() and now() + interval '1 day' and (owner = x or y) \
                    or case when a and b then c and d end";
        insta::assert_snapshot!(parens(long), @r"
          using (
            status = 'a and b'
            and starts_at between now() and now() + interval '1 day'
            and (owner = x or y)
            or case when a and b then c and d end
          )
        ");
        assert_eq!(parens("a and b"), "  using (a and b)");
        assert_eq!(parens("a -- why\nand b"), "  using (\n    a -- why\nand b\n  )");
    }

    #[test]
    fn a_default_is_put_in_parentheses_only_where_the_grammar_asks() {
        for plain in ["now() + interval '7 days'", "'not in'", "(a and b)", "f(x is null)", "'{}'::text[]", "$$at$$"] {
            assert!(!needs_parens(plain), "{plain}");
        }
        for open in ["now() at time zone 'utc'", "not true", "1 in (1, 2)", "'a' collate \"C\""] {
            assert!(needs_parens(open), "{open}");
        }
    }
}
