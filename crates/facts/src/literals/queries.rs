//! Literals that are small languages: paths into JSON, queries of text search, XML.

/// Whether the text may be a path into JSON: its strings and brackets are closed, it begins as one, and ends with no operator.
pub(super) fn path(text: &str) -> bool {
    let mut rest = text.trim();
    for mode in ["strict ", "lax "] {
        rest = rest.strip_prefix(mode).unwrap_or(rest).trim_start();
    }
    let words = ["true", "false", "null", "exists", "last"];
    let begins = rest.starts_with(|c: char| c.is_ascii_digit() || "$(\"-+!.".contains(c))
        || words.iter().any(|word| rest.to_ascii_lowercase().starts_with(word));
    let mut open = Vec::new();
    let mut chars = rest.chars();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        match c {
            '"' => loop {
                match chars.next() {
                    Some('"') => break,
                    Some('\\') if chars.next().is_some() => {}
                    Some('\\') | None => return false,
                    Some(_) => {}
                }
            },
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(c) => return false,
            _ => {}
        }
        if !c.is_whitespace() {
            last = c;
        }
    }
    begins && open.is_empty() && !".?&|+-/<>=!,".contains(last)
}

/// Whether the text may be a query of text search: words with an operator between each two.
pub(super) fn search(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    let mut depth = 0usize;
    // A word has to come; at the beginning nothing has to.
    let mut wanted = true;
    let mut any = false;
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '!' if wanted => any = true,
            '(' if wanted => {
                depth += 1;
                any = true;
            }
            ')' if !wanted && depth > 0 => depth -= 1,
            '&' | '|' if !wanted => wanted = true,
            '<' if !wanted => {
                let inner: String = std::iter::from_fn(|| chars.next_if(|c| *c != '>')).collect();
                let distance = inner == "-" || inner.parse::<u32>().is_ok_and(|n| n <= 16_384);
                if chars.next() != Some('>') || !distance {
                    return false;
                }
                wanted = true;
            }
            '&' | '|' | '(' | ')' | ':' => return false,
            _ if !wanted => return false,
            '\'' => {
                if !quoted(&mut chars) {
                    return false;
                }
                (wanted, any) = (false, true);
            }
            first => {
                let mut c = Some(first);
                loop {
                    if c == Some('\\') {
                        chars.next();
                    }
                    c = chars.next_if(|c| !c.is_whitespace() && !"&|!():'".contains(*c));
                    if c.is_none() {
                        break;
                    }
                }
                (wanted, any) = (false, true);
            }
        }
        if !wanted && c != ')' && chars.peek() == Some(&':') {
            chars.next();
            while chars.next_if(|c| "*abcdABCD".contains(*c)).is_some() {}
        }
    }
    depth == 0 && (!wanted || !any)
}

/// Goes past a word in quotes; false where it has no end.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '\'' if chars.peek() == Some(&'\'') => drop(chars.next()),
            '\'' => return true,
            _ => {}
        }
    }
    false
}

/// Whether the words in quotes of a list of words have an end.
pub(super) fn words(text: &str) -> bool {
    let mut chars = text.chars().peekable();
    let mut begins = true;
    while let Some(c) = chars.next() {
        match c {
            '\'' if begins && !quoted(&mut chars) => return false,
            '\\' => drop(chars.next()),
            _ => {}
        }
        begins = c.is_whitespace();
    }
    true
}

/// Whether the tags of XML are closed in their order. What has a document type or entities of its own is left to Postgres.
pub(super) fn xml(text: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    if text.contains("<!DOCTYPE") {
        return true;
    }
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let beyond = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        if let Some((begin, end)) = beyond.into_iter().find(|(begin, _)| rest.starts_with(begin)) {
            match rest[begin.len()..].find(end) {
                Some(closed) => rest = &rest[begin.len() + closed + end.len()..],
                None => return false,
            }
            continue;
        }
        let Some(end) = tag_end(rest) else { return false };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim_end()) {
                return false;
            }
            continue;
        }
        let name = tag.trim_end_matches('/').split_whitespace().next().unwrap_or_default();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':')
            || tag.starts_with(char::is_whitespace)
        {
            return false;
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.is_empty()
}

/// Where the tag that begins here ends, quotes passed over.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices().skip(1) {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('>', None) => return Some(at),
            ('<', None) => return None,
            _ => {}
        }
    }
    None
}
