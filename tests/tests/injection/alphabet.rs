//! Names and texts that have broken, or could break, what is written around them, and the ways to write them.

/// Numbers that are the same for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// Pieces that names and texts are put together from. All may stand in a name in double quotes.
const PIECES: &[&str] = &[
    "'",
    "''",
    "'''",
    "\"",
    "\"\"",
    "`",
    "\\",
    "\\\\",
    "\\'",
    "\\\"",
    "$$",
    "$",
    "$body$",
    "$body2$",
    "$do$",
    "$tag$",
    "$1",
    "$x",
    "--",
    "-- ",
    "/*",
    "*/",
    ";",
    "%",
    "%%",
    "%s",
    "%L",
    "%I",
    "{}",
    "{0}",
    "{{",
    "}",
    "#",
    "##",
    "@",
    ":name",
    ":'x'",
    ":\"x\"",
    "\\.",
    "\\copy",
    "\\gexec",
    "\\!",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "=",
    "!",
    "?",
    "&",
    "&lt;",
    "<b>",
    "|",
    "~",
    "E'",
    "U&'",
    "\\0041",
    "\\u0041",
    "\\x41",
    "\\n",
    " ",
    "  ",
    "a",
    "B",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "ı",
    "日本",
    "\u{1F600}",
    "\u{10FFFF}",
    "\u{A0}",
    "\u{3000}",
    "\u{2019}",
    "0",
    "9",
    "_",
    "null",
    "true",
    "drop",
    "'); drop table public.canary; --",
    "$$; drop table public.canary; $$",
    "\"; drop table public.canary; --",
    "*/ drop table public.canary; /*",
    "$body$; drop table public.canary; $body$",
    "'; drop table public.canary; --",
    "\\'; drop table public.canary; --",
    "); delete from public.canary; (",
    " k.",
    " n.",
    " r.",
    "$entity",
    "$schema$.",
    "private.",
    "_viewer_id",
];

/// Pieces that stand in a text alone.
const TEXT_PIECES: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\n\\.\n",
    "\n--\n",
    "\n/*",
    "\n\\copy x from y\n",
    "\u{1}",
    "\u{7F}",
    "\u{2028}",
    "\u{85}",
    "\u{FEFF}",
    "\n\n",
    "\n$$\n",
    "\n;\n",
    "\ncommit;\n",
    "\u{B}",
    "\u{C}",
];

/// Names as a whole: words of SQL's, of Postgres's and of generated code's.
const WORDS: &[&str] = &[
    "select",
    "table",
    "user",
    "order",
    "group",
    "all",
    "null",
    "true",
    "default",
    "primary",
    "references",
    "check",
    "text",
    "int",
    "integer",
    "name",
    "public",
    "pg_catalog",
    "current_user",
    "session_user",
    "localtime",
    "values",
    "row",
    "array",
    "case",
    "end",
    "begin",
    "commit",
    "specc",
    "viewer_id",
    "viewer",
    "claims",
    "private",
    "this",
    "g",
    "i",
    "new",
    "old",
    "tg_op",
    "tg_argv",
    "tg_table_name",
    "found",
    "r",
    "p",
    "k",
    "c",
    "s",
    "t",
    "l",
    "n",
    "m",
    "new_rows",
    "old_rows",
    "sign",
    "change",
    "parent",
    "place",
    "line",
    "owner",
    "free",
    "excluded",
    "key",
    "value",
    "policy",
    "when",
    "unless",
    "to",
    "as",
    "on",
    "was",
    "index",
    "unique",
    "where",
    "using",
    "with",
    "include",
    "entity",
    "enum",
    "seed",
    "limit",
    "workflow",
    "search",
    "id",
    "setof",
    "interval",
    "timestamp",
    "between",
    "collate",
    "lateral",
    "authorization",
    "immutable",
    "generated",
    "identity",
    "is",
    "not",
    "and",
    "or",
    "in",
    "like",
    "Mixed Case",
    "UPPER",
    "ünï",
    "_",
    "a$b",
    "pg_",
    "pg_x",
    "specc_x",
    "canary",
    "oid",
];

/// What is refused in one way or another: too long, without a letter, with what nobody can see.
const REFUSED: &[&str] =
    &["\0", "", " ", "\u{202E}evil", "a\u{200B}b", "\u{2066}x\u{2069}", "\u{E000}", "line\nbreak", "cr\rx", "tab\tx"];

/// A name of at most 63 bytes, or what is refused as one.
pub fn name(dice: &mut Dice) -> String {
    match dice.below(400) {
        0 => dice.pick(REFUSED).to_owned(),
        1 => "é".repeat(32),
        2..=70 => dice.pick(WORDS).to_owned(),
        // as long as a name may be, and with a letter of several bytes where a longer one is cut
        71..=78 => "x".repeat(63),
        79..=86 => format!("x{}", "é".repeat(31)),
        87..=94 => format!("{}\"'", "日".repeat(20)),
        _ => {
            let mut out = String::new();
            for _ in 0..1 + dice.below(5) {
                let piece = dice.pick(PIECES);
                if out.len() + piece.len() <= 60 {
                    out.push_str(piece);
                }
            }
            if !out.chars().any(char::is_alphanumeric) {
                out.push('q');
            }
            out
        }
    }
}

/// A text of any length.
pub fn text(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..dice.below(6) {
        out.push_str(if dice.once_in(4) { dice.pick(TEXT_PIECES) } else { dice.pick(PIECES) });
    }
    out
}

/// A text on one line that does not begin or end with a space.
pub fn line(dice: &mut Dice) -> String {
    let text: String =
        text(dice).chars().filter(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{FEFF}')).collect();
    let text = text.trim();
    if text.is_empty() { "word".to_owned() } else { text.to_owned() }
}

/// A name as it stands in a spec.
pub fn spec_name(dice: &mut Dice, name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !name.is_empty();
    // Words that mean something in an expression are written in quotes there; here all are.
    if plain && dice.once_in(3) && !WORDS.contains(&name) { name.to_owned() } else { quoted(name) }
}

/// A name in double quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in single quotes.
pub fn plain(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text for the server, spelled so that no setting changes what it means.
pub fn exact(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r"))
}

/// A text as a literal of SQL, in one of the spellings that Postgres has.
pub fn literal(dice: &mut Dice, text: &str) -> String {
    match dice.below(5) {
        // what ends a line in a file is one character wherever it is read
        0 | 1 if !text.contains('\r') => plain(text),
        2 if !text.contains('\r') && !text.contains("$q") && !text.ends_with('$') => format!("$q${text}$q$"),
        3 => {
            let mut out = String::from("U&'");
            for c in text.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\'' => out.push_str("''"),
                    c if c.is_ascii() && !c.is_control() => out.push(c),
                    c => out.push_str(&format!("\\+{:06X}", u32::from(c))),
                }
            }
            out + "'"
        }
        _ => exact(text),
    }
}
