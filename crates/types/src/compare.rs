//! Whether two files of types say the same, whatever the layout: formatters move lines, quotes and separators.

/// Where two files differ first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the one file, from 1, and what stands in it; none at its end.
    pub line: Option<(usize, String)>,
    /// What the other has instead; none at its end.
    pub instead: Option<String>,
    /// The keys that lead there, outermost first.
    pub path: Vec<String>,
}

/// A part of a text that means something.
#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    text: String,
    line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    /// A text in quotes, or a key.
    Text,
    Sign,
}

/// The first place where `file` says something else than `now`; none where they say the same.
pub fn difference(file: &str, now: &str) -> Option<Difference> {
    let (a, b) = (tokens(file), tokens(now));
    let same = |(a, b): &(&Token, &Token)| a.kind == b.kind && a.text == b.text;
    let at = a.iter().zip(&b).take_while(same).count();
    if at == a.len() && at == b.len() {
        return None;
    }
    // Where the one goes on in a line that the other ends, both lines are shown.
    let begins = |all: &[Token]| at > 0 && all.get(at).is_none_or(|token| token.line > all[at - 1].line);
    let shown = |all: &[Token], other: &[Token]| {
        let place = if begins(all) && !begins(other) { at - 1 } else { at };
        all.get(place).map(|token| token.line)
    };
    let line = |text: &str, line: usize| text.lines().nth(line).unwrap_or_default().trim().to_owned();
    Some(Difference {
        line: shown(&a, &b).map(|at| (at + 1, line(file, at))),
        instead: shown(&b, &a).map(|at| line(now, at)),
        path: path(&b[..at.min(b.len())]),
    })
}

/// The keys that are open at the end of these tokens.
fn path(tokens: &[Token]) -> Vec<String> {
    let (mut open, mut last): (Vec<Option<String>>, Option<String>) = (Vec::new(), None);
    for pair in tokens.windows(2) {
        let (before, token) = (&pair[0], &pair[1]);
        match (token.kind, token.text.as_str()) {
            (Kind::Sign, "{" | "[" | "(" | "<") => open.push(last.take()),
            (Kind::Sign, "}" | "]" | ")" | ">") => drop(open.pop()),
            (Kind::Sign, ":") if before.kind == Kind::Text => last = Some(before.text.clone()),
            _ => {}
        }
    }
    let mut path: Vec<String> = open.into_iter().flatten().collect();
    path.extend(last);
    path
}

fn tokens(text: &str) -> Vec<Token> {
    let mut all = read(text);
    keys(&mut all);
    let mut out: Vec<Token> = Vec::with_capacity(all.len());
    for token in all {
        let sign = token.kind == Kind::Sign;
        if sign && matches!(&*token.text, "," | ";") {
            continue;
        }
        // A union may begin with its sign.
        let begins = out.last().is_none_or(|before| {
            before.text == "extends"
                || before.kind == Kind::Sign && matches!(&*before.text, ":" | "=" | "(" | "<" | "{")
        });
        if !(sign && token.text == "|" && begins) {
            out.push(token);
        }
    }
    parentheses(out)
}

/// Words, texts and signs, without comments.
fn read(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 0;
    while let Some(c) = chars.next() {
        let mut push = |kind, text| out.push(Token { kind, text, line });
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => {
                let mut before = ' ';
                for c in chars.by_ref() {
                    line += usize::from(c == '\n');
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            '"' | '\'' => {
                let mut value = String::new();
                while let Some(next) = chars.next_if(|next| *next != c && *next != '\n') {
                    match (next, chars.peek().copied()) {
                        ('\\', Some(escaped)) => {
                            chars.next();
                            value.push(unescaped(escaped, &mut chars));
                        }
                        (next, _) => value.push(next),
                    }
                }
                chars.next_if_eq(&c);
                push(Kind::Text, value);
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '$') => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                    word.push(next);
                }
                push(Kind::Word, word);
            }
            c => push(Kind::Sign, c.to_string()),
        }
    }
    out
}

fn unescaped(c: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let digits: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_hexdigit)).take(4).collect();
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
        }
        c => c,
    }
}

/// A key is the same with quotes and without.
fn keys(all: &mut [Token]) {
    for at in 0..all.len() {
        let is = |n: usize, sign: &str| all.get(n).is_some_and(|token| token.kind == Kind::Sign && token.text == sign);
        if all[at].kind == Kind::Word && (is(at + 1, ":") || is(at + 1, "?") && is(at + 2, ":")) {
            all[at].kind = Kind::Text;
        }
    }
}

/// `(T)[]` is `T[]`, unless it is `(A | B)[]`; and a condition of its own needs none: `extends (A extends B ? C : D) =`.
fn parentheses(all: Vec<Token>) -> Vec<Token> {
    let is = |at: usize, sign: &str| all.get(at).is_some_and(|t: &Token| t.kind == Kind::Sign && t.text == sign);
    let mut left_out = vec![false; all.len()];
    let mut open: Vec<(usize, bool)> = Vec::new();
    for at in 0..all.len() {
        if is(at, "(") {
            open.push((at, false));
        } else if is(at, "|") || is(at, "&") {
            if let Some((_, several)) = open.last_mut() {
                *several = true;
            }
        } else if is(at, ")")
            && let Some((start, several)) = open.pop()
            && (!several && is(at + 1, "[") && is(at + 2, "]")
                || is(at + 1, "=") && start.checked_sub(1).is_some_and(|before| all[before].text == "extends"))
        {
            left_out[start] = true;
            left_out[at] = true;
        }
    }
    all.into_iter().zip(left_out).filter(|(_, left_out)| !left_out).map(|(token, _)| token).collect()
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn layout_is_no_difference() {
        let ours = "export type A = {\n  b?: string[]\n  \"c d\": \"x\" | \"y\" | null\n  e: [1, 2]\n}\n";
        let other =
            "// comment\nexport type A = { 'b'?: (string)[], 'c d':\n | \"x\" | 'y' | null;\n /* and */ e: [1, 2,] };";
        assert_eq!(difference(ours, other), None);
        let (a, b) = (
            "type A<B extends (C extends D ? (E & F) : never) = never,> = B",
            "type A<B extends C extends D ? (E & F) : never = never> = B",
        );
        assert_eq!(difference(a, b), None);
    }

    #[test]
    fn what_is_said_is() {
        for (a, b) in [
            ("{ a: string }", "{ a: number }"),
            ("{ a: string }", "{ a?: string }"),
            ("{ a: \"string\" }", "{ a: string }"),
            ("{ a: string }", "{ a: string; b: string }"),
            ("{ a: (string | null)[] }", "{ a: string | null[] }"),
            ("{ a: string[] }", "{ a: string }"),
        ] {
            assert!(difference(a, b).is_some(), "{a} and {b}");
            assert!(difference(b, a).is_some(), "{b} and {a}");
        }
        let found =
            difference("type A = {\n  b: {\n    c: string\n  }\n}", "type A = { b: { c: number } }").expect("one");
        assert_eq!(found.line, Some((3, "c: string".to_owned())));
        assert_eq!(found.path, ["b", "c"]);
    }
}
