//! Reading what Postgres's deparser writes: it has strings, quoted names and parentheses, and no comments.

/// The place after the string, quoted name or other character that starts at `at`.
fn step(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    if quote != b'\'' && quote != b'"' {
        return at + 1;
    }
    string(bytes, at, quote == b'\'' && at > 0 && matches!(bytes[at - 1], b'e' | b'E'))
}

/// The place after the string or quoted name that starts at `at`.
fn string(bytes: &[u8], at: usize, escapes: bool) -> usize {
    let quote = bytes[at];
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if escapes && bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The place of the parenthesis that closes the one at `open`.
pub(crate) fn closing(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (open, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => depth += 1,
            b')' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at = step(bytes, at);
    }
    None
}

/// The text without parentheses that are around all of it; a query keeps those that make it a value.
pub(crate) fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while text.starts_with('(') && closing(text, 0) == Some(text.len() - 1) {
        let inner = text[1..text.len() - 1].trim();
        let first = inner.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        if ["SELECT", "WITH", "VALUES"].contains(&first) {
            break;
        }
        text = inner;
    }
    text
}

/// A query of one call as Postgres writes it down at first. It keeps the name that the function had then: where that was
/// renamed, the query says `f() as g` for ever, which means nothing.
pub(crate) fn named_by_call(text: &str) -> String {
    const START: &str = "( SELECT ";
    let is_plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(START) {
        out.push_str(&rest[..at + START.len()]);
        rest = &rest[at + START.len()..];
        let Some(open) = rest.find('(').filter(|&open| is_plain(&rest[..open])) else { continue };
        let Some(close) = closing(rest, open) else { continue };
        let Some((name, _)) = rest[close..].strip_prefix(") AS ").and_then(|after| after.split_once(')')) else {
            continue;
        };
        let own = rest[..open].rsplit('.').next().unwrap_or_default();
        if is_plain(name) && name != own {
            out.push_str(&rest[..close]);
            out.push_str(") AS ");
            out.push_str(own);
            rest = &rest[close + ") AS ".len() + name.len()..];
        }
    }
    out.push_str(rest);
    out
}

/// The elements of a list, which are separated by commas in no parentheses.
pub(crate) fn list(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut at, mut start, mut depth) = (0, 0, 0_i32);
    let mut found = Vec::new();
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b',' if depth == 0 => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        at = step(bytes, at);
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        found.push(last);
    }
    found
}

/// The place of `words` in `text`, in no quotes.
pub(crate) fn find(text: &str, words: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(words.as_bytes()) {
            return Some(at);
        }
        at = step(bytes, at);
    }
    None
}

/// The text as Postgres spells it when it has read what it wrote: a cast of an array in so many words is, from then on,
/// a cast of each of its elements.
pub(crate) fn settled(text: &str) -> Option<String> {
    const ARRAY: &str = "(ARRAY[";
    let mut out = String::new();
    let mut rest = text;
    let mut any = false;
    while let Some(at) = find(rest, ARRAY) {
        let (open, inner) = (at + ARRAY.len() - 1, at + ARRAY.len());
        let cast = closing(rest, open).and_then(|end| {
            let (name, after) = rest[end + 1..].strip_prefix(")::")?.split_once("[]")?;
            let plain = |c: char| c.is_alphanumeric() || " _.\"(),".contains(c);
            name.chars().all(plain).then_some((end, name, after))
        });
        let Some((end, name, after)) = cast else {
            out.push_str(&rest[..inner]);
            rest = &rest[inner..];
            continue;
        };
        let elements = &rest[inner..end];
        let elements = settled(elements).unwrap_or_else(|| elements.to_owned());
        let elements: Vec<_> = list(&elements).into_iter().map(|element| format!("({element})::{name}")).collect();
        out.push_str(&rest[..at]);
        out.push_str(&format!("ARRAY[{}]", elements.join(", ")));
        rest = after;
        any = true;
    }
    out.push_str(rest);
    any.then_some(out)
}

/// The text with `\r` in words: a file of text has one kind of line ends.
pub(crate) fn in_one_kind_of_lines(text: &str) -> Option<String> {
    if !text.contains('\r') {
        return None;
    }
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 8);
    let mut at = 0;
    while at < bytes.len() {
        let escapes = at > 0 && matches!(bytes[at - 1], b'e' | b'E');
        let mut end = step(bytes, at);
        // A quote in a string is written twice.
        while bytes[at] == b'\'' && bytes.get(end) == Some(&b'\'') {
            end = string(bytes, end, escapes);
        }
        let end = end.min(bytes.len());
        let part = text.get(at..end).unwrap_or_default();
        if bytes[at] == b'\'' && part.contains('\r') {
            if escapes {
                out.push_str(&part.replace('\r', "\\r"));
            } else {
                out.push('E');
                out.push_str(&part.replace('\\', "\\\\").replace('\r', "\\r"));
            }
        } else {
            out.push_str(part);
        }
        at = end;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_one_call_is_named_by_it() {
        let named = "(a = ( SELECT p.now() AS was)) OR (b = ANY (ARRAY( SELECT p.f(1, ')') AS f)))";
        assert_eq!(
            named_by_call(named),
            "(a = ( SELECT p.now() AS now)) OR (b = ANY (ARRAY( SELECT p.f(1, ')') AS f)))"
        );
        let other = "(a = ( SELECT x.b AS c FROM x)) AND (d = ( SELECT (p.f() + 1) AS e))";
        assert_eq!(named_by_call(other), other);
    }

    #[test]
    fn parentheses_are_taken_off_only_where_they_are_around_all() {
        assert_eq!(bare("((a > 0))"), "a > 0");
        assert_eq!(bare("(a) + (b)"), "(a) + (b)");
        assert_eq!(bare("(( SELECT f() AS f))"), "( SELECT f() AS f)");
        assert_eq!(bare("(a = ')'::text)"), "a = ')'::text");
        assert_eq!(bare("(a = E'\\')'::text)"), "a = E'\\')'::text");
    }

    #[test]
    fn lists_are_split_outside_of_everything() {
        assert_eq!(list("a, lower(b, c), 'd, e', \"f,g\""), ["a", "lower(b, c)", "'d, e'", "\"f,g\""]);
        assert_eq!(list(""), [""; 0]);
    }

    #[test]
    fn casts_of_arrays_go_to_their_elements() {
        let text = "(a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])";
        let settled_text = "(a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying)::text])";
        assert_eq!(settled(text).as_deref(), Some(settled_text));
        assert_eq!(settled(settled_text), None);
        assert_eq!(settled("'(ARRAY[1])::int[]'"), None);
    }

    #[test]
    fn the_other_end_of_a_line_is_said_in_words() {
        assert_eq!(in_one_kind_of_lines("a = 'b'"), None);
        assert_eq!(
            in_one_kind_of_lines("f('it''s\r\n', 'x\\', E'y\\\\\r')").as_deref(),
            Some("f(E'it''s\\r\n', 'x\\', E'y\\\\\\r')")
        );
    }

    #[test]
    fn words_are_found_outside_of_quotes() {
        assert_eq!(find("\" WHEN (\" WHEN (x)", " WHEN ("), Some(9));
        assert_eq!(find("' WHEN ('", " WHEN ("), None);
    }
}
