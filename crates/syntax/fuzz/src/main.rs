//! Mutates specs and holds that the parser, the formatter and the checker neither panic nor hang.

use specc_diag::{FileId, Sources};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A stage may take so long for a text of a few kilobytes.
const PATIENCE: Duration = Duration::from_secs(2);

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
];

/// A small generator of numbers that repeats for a seed (xorshift).
struct Dice(u64);

impl Dice {
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

/// What is being read, for the watch and for the message of a panic.
struct Work {
    since: Instant,
    text: Arc<String>,
}

/// What is wrong with a text.
struct Finding {
    what: String,
    text: String,
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, other: u64| {
        let value = args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
        value.map_or(other, |v| v.parse().unwrap_or_else(|_| panic!("{name} wants a number")))
    };
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |l| format!("{}:{}", l.file(), l.line()));
        let text = info.payload().downcast_ref::<String>().cloned();
        let text = text.or_else(|| info.payload().downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default();
        PANIC.with(|p| *p.borrow_mut() = format!("panic at {place}: {text}"));
    }));
    if let Some(files) =
        Some(args.iter().filter(|a| a.ends_with(".dbspec")).collect::<Vec<_>>()).filter(|f| !f.is_empty())
    {
        for path in files {
            let text = fs::read_to_string(path).expect("a text in UTF-8");
            let start = Instant::now();
            let said = try_text(&text).map_or_else(|| "nothing".to_owned(), |f| f.what);
            println!("{path}: {said} in {:?}", start.elapsed());
        }
        return;
    }
    let (seconds, threads, seed) = (option("--seconds", 60), option("--threads", 1), option("--seed", 1));
    let samples = Arc::new(samples());
    println!("{} samples, {threads} threads, {seconds} seconds", samples.len());
    let end = Instant::now() + Duration::from_secs(seconds);
    let tried = Arc::new(AtomicU64::new(0));
    let found = Arc::new(Mutex::new(HashSet::new()));
    let now: Arc<Mutex<Vec<Option<Work>>>> = Arc::new(Mutex::new((0..threads).map(|_| None).collect()));
    let workers: Vec<_> = (0..threads as usize)
        .map(|me| {
            let (samples, tried, found, now) = (samples.clone(), tried.clone(), found.clone(), now.clone());
            let run = move || {
                let mut dice = Dice((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (me as u64 + 1));
                while Instant::now() < end {
                    let text = Arc::new(mutated(&mut dice, &samples));
                    now.lock().unwrap()[me] = Some(Work { since: Instant::now(), text: text.clone() });
                    let finding = try_text(&text);
                    now.lock().unwrap()[me] = None;
                    tried.fetch_add(1, Ordering::Relaxed);
                    if let Some(finding) = finding {
                        record(&found, finding);
                    }
                }
            };
            // deep recursion is to be found here with less than a main thread has
            std::thread::Builder::new().stack_size(4 << 20).spawn(run).expect("a thread")
        })
        .collect();
    // a thread that hangs cannot be stopped, so what it hangs on is written from here
    while workers.iter().any(|w| !w.is_finished()) {
        std::thread::sleep(Duration::from_millis(200));
        let slow = |w: &Work| w.since.elapsed() > PATIENCE * 10;
        let hung: Vec<_> = now.lock().unwrap().iter().flatten().filter(|w| slow(w)).map(|w| w.text.clone()).collect();
        for text in &hung {
            record(&found, Finding { what: "hangs".to_owned(), text: text.to_string() });
        }
        if !hung.is_empty() && Instant::now() > end {
            break;
        }
    }
    let found = found.lock().unwrap().len();
    println!("{} texts, {found} findings", tried.load(Ordering::Relaxed));
    std::process::exit(i32::from(found > 0));
}

/// Runs every stage over a text.
fn try_text(text: &str) -> Option<Finding> {
    let finding = |what: String| Some(Finding { what, text: text.to_owned() });
    let result = std::panic::catch_unwind(|| {
        let start = Instant::now();
        let mut sources = Sources::new();
        let id = sources.add("fuzz.dbspec", text.to_owned());
        let (file, mut said) = specc_syntax::parse(id, text);
        if start.elapsed() > PATIENCE {
            return Some(format!("parse takes {:?}", start.elapsed()));
        }
        if let Ok(once) = specc_syntax::fmt(text) {
            let (again, findings) = specc_syntax::parse(FileId(0), &once);
            if specc_diag::has_errors(&findings) || again.items != file.items {
                return Some("formatted text means something else".to_owned());
            }
            if again.comments.len() != file.comments.len() {
                return Some("formatting loses a comment".to_owned());
            }
            if specc_syntax::fmt(&once).ok().as_ref() != Some(&once) {
                return Some("formatting twice differs".to_owned());
            }
        }
        let start = Instant::now();
        let (_, more) = specc_model::analyze(vec![file], &mut sources, specc_model::Options::default());
        if start.elapsed() > PATIENCE {
            return Some(format!("analyze takes {:?}", start.elapsed()));
        }
        said.extend(more);
        for diagnostic in &said {
            for label in diagnostic.labels.iter().filter(|l| l.span.file == id) {
                if text.get(label.span.start as usize..label.span.end as usize).is_none() {
                    return Some(format!("a span that is no part of the text: {}", diagnostic.message));
                }
            }
            specc_diag::render(diagnostic, &sources, specc_diag::RenderOptions::default());
        }
        None
    });
    match result {
        Ok(None) => None,
        Ok(Some(what)) => finding(what),
        Err(_) => finding(PANIC.with(|p| p.borrow().clone())),
    }
}

/// Writes what is found, once for each kind.
fn record(found: &Mutex<HashSet<String>>, finding: Finding) {
    // the place of a panic is its kind
    let kind: String = finding
        .what
        .split(": ")
        .next()
        .unwrap_or("")
        .chars()
        .filter(|c| !c.is_ascii_digit() || finding.what.starts_with("panic"))
        .collect();
    let mut found = found.lock().unwrap();
    if !found.insert(kind) {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    let path = folder.join(format!("{:03}.dbspec", found.len()));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &finding.text));
    println!("{}: {}", path.file_name().unwrap_or_default().to_string_lossy(), finding.what);
    written.expect("a folder to write to");
}

/// A text of a sample or two, spoiled.
fn mutated(dice: &mut Dice, samples: &[String]) -> String {
    let mut text = piece(dice, samples);
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

/// Every spec of the repository.
fn samples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut folders: Vec<PathBuf> =
        ["specs", "tests/diagnostics", "tests/syntax", "crates/model/std", "crates/model/tests"]
            .map(|f| root.join(f))
            .into();
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "dbspec") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().filter_map(|p| fs::read_to_string(p).ok()).collect()
}
