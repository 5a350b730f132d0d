//! Texts that are nearly right: samples with tokens lost, doubled, swapped, replaced, nested and spliced.

/// Texts are cut to about this length.
const LENGTH: usize = 6_000;

/// Signs and words that mean something, and characters that mean nothing.
const BITS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "'",
    "\"",
    "$$",
    "$a$",
    "/*",
    "*/",
    "//",
    "///",
    "--",
    ",",
    ";",
    ":",
    "::",
    "->",
    "=",
    "?",
    ".",
    "*",
    "@@",
    "#",
    "\\",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\u{FEFF}",
    "\0",
    "é",
    "日本",
    "\u{202E}",
    "𝒳",
    "’",
    "-1",
    "9223372036854775808",
    "1e400",
    "0.",
    "null",
    "case",
    "when",
    "then",
    "end",
    "and",
    "or",
    "not",
    "in",
    "is",
    "exists",
    "select",
    "from",
    "where",
    "viewer",
    "claims.x",
    "this",
    "key",
    "unique",
    "check",
    "index",
    "use",
    "entity a {",
    "was",
    "generated (",
    "identity",
    "default",
    "collate",
    "on delete cascade",
    "policy on",
    "allow all",
    "forbid",
    "unless",
    "seed dev {",
    "events * 99999999999 {",
    "any",
    "fake.sentence",
    "between(1, 0)",
    "one of ()",
    "count(",
    "sum(a.b)",
    "text[][][]",
    "numeric(1000, 2000)",
    "$column",
    "$entity",
    "$",
    "E'\\'",
    "a.b.c.d",
    "array[",
    "row(",
    "::",
    "interval",
    "at time zone",
    "similar to",
    "over (",
    "within group",
    "filter (where",
    "collate \"C\"",
    "between",
    "like",
    "escape",
    "create table t (id int);",
    "alter table t add column a int not null default 1;",
    "drop table t;",
    "create index concurrently i on t (id);",
    "do $do$ begin end $do$;",
    "begin;",
    "commit;",
    "set search_path = a, b;",
    "-- specc: allow L001",
    "copy t from stdin;\n1\n\\.\n",
    "\\connect x",
    "language plpgsql as '",
    "begin atomic",
    "{\"specc\":",
    "null,",
    "[]",
    "[output]\n",
    "migrations = \"../x\"\n",
];

/// A small generator of numbers that repeats for a seed (xorshift).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.next(from.len())]
    }
}

/// A text of a sample or two, spoiled.
pub fn mutated(dice: &mut Dice, samples: &[String]) -> String {
    let text = piece(dice, samples);
    spoiled(dice, text, samples)
}

/// This text, spoiled; what is spliced into it comes from the samples.
pub fn spoiled(dice: &mut Dice, mut text: String, samples: &[String]) -> String {
    for _ in 0..1 + dice.next(6) {
        let mut tokens = tokens(&text);
        let at = dice.next(tokens.len());
        let bit = BITS[dice.next(BITS.len())].to_owned();
        match dice.next(11) {
            0 => drop((!tokens.is_empty()).then(|| tokens.remove(at))),
            1 => tokens.insert(at, bit),
            2 => {
                if let Some(token) = tokens.get_mut(at) {
                    *token = bit;
                }
            }
            3 => {
                if let Some(token) = tokens.get(at).cloned() {
                    tokens.insert(at, token);
                }
            }
            4 => {
                let other = dice.next(tokens.len());
                if at < tokens.len() {
                    tokens.swap(at, other);
                }
            }
            5 => {
                let to = (at + dice.next(12)).min(tokens.len());
                tokens.drain(at.min(to)..to);
            }
            6 => {
                // a run of tokens from elsewhere
                let other = self::tokens(&piece(dice, samples));
                let from = dice.next(other.len());
                let to = (from + dice.next(15)).min(other.len());
                tokens.splice(at..at, other[from..to].iter().cloned());
            }
            7 => {
                // the same again, deeper
                let (open, close) =
                    [("(", ")"), ("[", "]"), ("case when a then ", " end"), ("not (", ")"), ("f(", ")")][dice.next(5)];
                let deep = 1 + dice.next(120);
                let lost = dice.next(3);
                let middle = tokens.get(at).cloned().unwrap_or_default();
                let wrapped = open.repeat(deep) + &middle + &close.repeat(deep.saturating_sub(lost));
                tokens.splice(at..(at + 1).min(tokens.len()), [wrapped]);
            }
            8 => {
                // lines in another order
                let mut lines: Vec<&str> = text.lines().collect();
                if !lines.is_empty() {
                    let (a, b) = (dice.next(lines.len()), dice.next(lines.len()));
                    lines.swap(a, b);
                }
                text = lines.join("\n");
                continue;
            }
            9 => {
                // one word for another word of the text
                let words: Vec<String> =
                    tokens.iter().filter(|t| t.starts_with(char::is_alphabetic)).cloned().collect();
                if let (Some(token), false) = (tokens.get_mut(at), words.is_empty()) {
                    *token = words[dice.next(words.len())].clone();
                }
            }
            _ => {
                let count = 1 + dice.next(40);
                tokens.insert(at, dice.pick(BITS).repeat(count));
            }
        }
        text = tokens.concat();
    }
    text
}

/// A sample, or a run of its lines where it is long.
fn piece(dice: &mut Dice, samples: &[String]) -> String {
    let text = &samples[dice.next(samples.len())];
    if text.len() <= LENGTH {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    let from = dice.next(lines.len());
    let mut out = String::new();
    for line in &lines[from..] {
        if out.len() + line.len() > LENGTH {
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Words, runs of spaces, and single signs.
fn tokens(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        ' ' => 2,
        _ => 0,
    };
    let mut out: Vec<String> = Vec::new();
    let mut before = 0;
    for c in text.chars() {
        let this = kind(c);
        match out.last_mut() {
            Some(last) if this != 0 && this == before => last.push(c),
            _ => out.push(c.to_string()),
        }
        before = this;
    }
    out
}
