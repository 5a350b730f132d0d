//! Regular expressions of Postgres ("ARE") in JavaScript's words, where both mean the same for every text. With the flags `s`
//! and `u`, JavaScript matches characters too, its point takes line ends, and `^` and `$` are the ends of the text.

use std::iter::Peekable;
use std::str::Chars;

/// What repetitions Postgres counts to.
const MOST: u32 = 255;

/// The expression for `new RegExp(…, "su")`; or why there is none.
pub(crate) fn javascript(pattern: &str, folded: bool) -> Result<String, String> {
    if pattern.starts_with("***")
        || pattern.starts_with("(?") && pattern.as_bytes().get(2).is_some_and(u8::is_ascii_lowercase)
    {
        return Err("its pattern begins with options of Postgres".to_owned());
    }
    let mut reader = Reader { rest: pattern.chars().peekable(), folded, out: String::new(), depth: 0 };
    reader.branches()?;
    match reader.rest.next() {
        None => Ok(reader.out),
        Some(_) => Err("its pattern has a parenthesis too many".to_owned()),
    }
}

/// `like` as an expression in JavaScript.
pub(crate) fn like(pattern: &str) -> Result<String, String> {
    let mut out = String::from("^");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '\\' => literal(&mut out, rest.next().ok_or("its pattern ends with an escape")?),
            c => literal(&mut out, c),
        }
    }
    out.push('$');
    Ok(out)
}

struct Reader<'p> {
    rest: Peekable<Chars<'p>>,
    folded: bool,
    out: String,
    depth: usize,
}

fn literal(out: &mut String, c: char) {
    if "^$\\.*+?()[]{}|/".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

impl Reader<'_> {
    fn branches(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > 50 {
            return Err("its pattern is too deep".to_owned());
        }
        loop {
            self.branch()?;
            if self.rest.next_if_eq(&'|').is_none() {
                break;
            }
            self.out.push('|');
        }
        self.depth -= 1;
        Ok(())
    }

    fn branch(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.peek().copied() {
            let repeats = match c {
                '|' | ')' => return Ok(()),
                '*' | '+' | '?' => return Err("its pattern repeats nothing".to_owned()),
                '^' | '$' => {
                    self.rest.next();
                    self.out.push(c);
                    false
                }
                '.' => {
                    self.rest.next();
                    self.out.push('.');
                    true
                }
                '(' => self.group()?,
                '[' => {
                    self.rest.next();
                    self.class()?;
                    true
                }
                '\\' => {
                    self.rest.next();
                    self.escape()?
                }
                '{' => {
                    self.rest.next();
                    if self.rest.peek().is_some_and(char::is_ascii_digit) {
                        return Err("its pattern repeats nothing".to_owned());
                    }
                    literal(&mut self.out, '{');
                    true
                }
                c => {
                    self.rest.next();
                    self.letter(c)?;
                    true
                }
            };
            self.repetition(repeats)?;
        }
        Ok(())
    }

    /// A character that stands for itself.
    fn letter(&mut self, c: char) -> Result<(), String> {
        if !self.folded || !c.is_alphabetic() {
            literal(&mut self.out, c);
            return Ok(());
        }
        // Which letters are each other's case is the same everywhere for those of ASCII alone.
        if !c.is_ascii() {
            return Err("its pattern folds letters outside of ASCII".to_owned());
        }
        self.out.push('[');
        self.out.push(c.to_ascii_lowercase());
        self.out.push(c.to_ascii_uppercase());
        self.out.push(']');
        Ok(())
    }

    /// What is in parentheses; whether it can be repeated.
    fn group(&mut self) -> Result<bool, String> {
        self.rest.next();
        let mut repeats = true;
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
            let mut sign = self.rest.next();
            if sign == Some('<') {
                self.out.push('<');
                sign = self.rest.next();
                repeats = false;
            }
            match sign {
                Some(':') if repeats => {}
                Some('=' | '!') => repeats = false,
                _ => return Err("its pattern has a group that JavaScript does not have".to_owned()),
            }
            self.out.extend(sign);
        } else {
            // Nothing refers to what it took.
            self.out.push_str("?:");
        }
        self.branches()?;
        match self.rest.next() {
            Some(')') => self.out.push(')'),
            _ => return Err("its pattern lacks a parenthesis".to_owned()),
        }
        Ok(repeats)
    }

    fn repetition(&mut self, may: bool) -> Result<(), String> {
        let lacks = || Err("its pattern has a repetition that JavaScript reads otherwise".to_owned());
        match self.rest.peek() {
            Some('*' | '+' | '?') => {
                let sign = self.rest.next();
                self.out.extend(sign);
            }
            Some('{') => {
                self.rest.next();
                if !self.rest.peek().is_some_and(char::is_ascii_digit) {
                    // It stands for itself.
                    literal(&mut self.out, '{');
                    return self.repetition(true);
                }
                let text: String = std::iter::from_fn(|| self.rest.next_if(|c| *c != '}')).collect();
                if self.rest.next().is_none() {
                    return lacks();
                }
                let (low, high) = text.split_once(',').unwrap_or((&text, ""));
                let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= MOST);
                let (Some(low), high_number) = (number(low), number(high)) else { return lacks() };
                if !high.is_empty() && high_number.is_none_or(|high| high < low) {
                    return lacks();
                }
                self.out.push_str(&format!("{{{text}}}"));
            }
            _ => return Ok(()),
        }
        // Which of several matches is found does not matter.
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        match self.rest.peek() {
            _ if !may => lacks(),
            Some('*' | '+' | '?') => lacks(),
            Some('{') => lacks(),
            _ => Ok(()),
        }
    }

    /// Behind a backslash; whether it can be repeated.
    fn escape(&mut self) -> Result<bool, String> {
        match self.rest.next() {
            Some(c @ ('t' | 'n' | 'r' | 'f' | 'v')) => {
                self.out.push('\\');
                self.out.push(c);
                Ok(true)
            }
            Some('A') => {
                self.out.push('^');
                Ok(false)
            }
            Some('Z') => {
                self.out.push('$');
                Ok(false)
            }
            Some(c) if !c.is_alphanumeric() => {
                literal(&mut self.out, c);
                Ok(true)
            }
            Some(c @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                Err(format!("its pattern has `\\{c}`, which depends on the database's locale"))
            }
            Some(c) => Err(format!("its pattern has `\\{c}`")),
            None => Err("its pattern ends with a backslash".to_owned()),
        }
    }

    /// Behind `[`.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let from = match self.member()? {
                None if first => ']',
                None => break,
                Some(c) => c,
            };
            first = false;
            let to = match self.rest.peek() {
                Some('-') => {
                    self.rest.next();
                    match self.rest.peek() {
                        // The last one stands for itself.
                        Some(']') => {
                            self.range(from, from)?;
                            '-'
                        }
                        _ => match self.member()? {
                            Some(to) if to != '-' => to,
                            _ => return Err("its pattern has a range that is read in several ways".to_owned()),
                        },
                    }
                }
                _ => from,
            };
            match to {
                '-' if from != '-' => self.range('-', '-')?,
                to => self.range(from, to)?,
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// The next character of a class; none at its end.
    fn member(&mut self) -> Result<Option<char>, String> {
        match self.rest.next() {
            None => Err("its pattern lacks a bracket".to_owned()),
            Some(']') => Ok(None),
            Some('[') if self.rest.peek().is_some_and(|c| matches!(c, ':' | '.' | '=')) => {
                Err("its pattern has a class of characters, which depends on the database's locale".to_owned())
            }
            Some('\\') => match self.rest.next() {
                Some('t') => Ok(Some('\t')),
                Some('n') => Ok(Some('\n')),
                Some('r') => Ok(Some('\r')),
                Some(c) if !c.is_alphanumeric() => Ok(Some(c)),
                Some(c) => Err(format!("its pattern has `\\{c}`, which depends on the database's locale")),
                None => Err("its pattern ends with a backslash".to_owned()),
            },
            Some(c) => Ok(Some(c)),
        }
    }

    fn range(&mut self, from: char, to: char) -> Result<(), String> {
        if from > to {
            return Err("its pattern has a range without characters".to_owned());
        }
        self.plain_range(from, to);
        if !self.folded {
            return Ok(());
        }
        let beyond = |c: char| !c.is_ascii() && c.is_alphabetic();
        if beyond(from) || beyond(to) || from.is_ascii() != to.is_ascii() {
            return Err("its pattern folds letters outside of ASCII".to_owned());
        }
        for (low, high, change) in [('a', 'z', -32i32), ('A', 'Z', 32)] {
            let (start, end) = (from.max(low), to.min(high));
            let other = |c: char| char::from_u32((u32::from(c) as i32 + change) as u32);
            if let (true, Some(start), Some(end)) = (start <= end, other(start), other(end)) {
                self.plain_range(start, end);
            }
        }
        Ok(())
    }

    fn plain_range(&mut self, from: char, to: char) {
        self.one_of_class(from);
        if to != from {
            self.out.push('-');
            self.one_of_class(to);
        }
    }

    fn one_of_class(&mut self, c: char) {
        if matches!(c, '^' | '\\' | ']' | '[' | '-' | '/') {
            self.out.push('\\');
        }
        self.out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::{javascript, like};

    #[test]
    fn what_is_the_same_is_said() {
        for (postgres, script) in [
            ("^[a-z0-9][a-z0-9-]*$", r"^[a-z0-9][a-z0-9\-]*$"),
            ("^https?://", r"^https?:\/\/"),
            (r"(^|/)\.\.?(/|$)", r"(?:^|\/)\.\.?(?:\/|$)"),
            ("^[^@]+@[^@]+$", "^[^@]+@[^@]+$"),
            ("^[]a]{2,}x?", r"^[\]a]{2,}x?"),
            (r"\A\$a{b\Z", r"^\$a\{b$"),
            ("(?=a)(?!b)", "(?=a)(?!b)"),
            ("[a\\-c]", r"[a\-c]"),
            ("a|", "a|"),
        ] {
            assert_eq!(javascript(postgres, false).as_deref(), Ok(script), "{postgres}");
        }
        assert_eq!(javascript("^[a-cX]é*b", true), Err("its pattern folds letters outside of ASCII".to_owned()));
        assert_eq!(javascript("^[a-cX]b1", true).as_deref(), Ok("^[a-cA-CXx][bB]1"));
        // A brace without a number stands for itself, and so does the one behind it, which is repeated.
        assert_eq!(javascript("a{,3}{2}", false).as_deref(), Ok(r"a\{,3\}{2}"));
        assert_eq!(like(r"a\%b_%").as_deref(), Ok("^a%b..*$"));
        assert!(like("a\\").is_err());
    }

    #[test]
    fn what_is_read_otherwise_is_not() {
        for pattern in [
            r"\d+",
            r"\w",
            "[[:alpha:]]",
            r"(a)\1",
            "***=a",
            "(?i)a",
            r"\ya",
            "a**",
            "*a",
            "a{300}",
            "a{2",
            "(a",
            "a)",
            "[a",
            "[a-]-z]x-[",
            "^*",
            "[b-a]",
            "a\\",
            "(?<n>a)",
            r"[\w]",
            "[a--]",
            "{1}",
            "(?=a)*",
        ] {
            let found = javascript(pattern, false);
            assert!(found.is_err(), "{pattern}: {found:?}");
        }
    }
}
