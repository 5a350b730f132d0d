//! What to say about text that the grammar does not understand.
//!
//! The grammar skips what it does not understand, an entry at a time. Here that entry is read once more by its strict
//! rule, which tells how far it makes sense; from there come the place and what was expected. Habits from other
//! languages ([`habits`]) are recognised first, since they deserve a better answer.

mod habits;
mod spelling;

use crate::ast::{EntityDecl, Item, ItemKind, QName};
use crate::build::Cx;
use crate::grammar::{Grammar, Pair, Rule};
use crate::scan::Scan;
use pest::Parser;
use pest::error::{Error, InputLocation};
use specc_diag::{Diagnostic, MOST_SHOWN, Span, codes, nearest};
use std::sync::Mutex;

/// The block that an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Item,
    Member,
    Enum,
    Domain,
    Composite,
    Sequence,
    Workflow,
    View,
    Webhook,
    Policy,
    Promise,
    Scenario,
    Actor,
    Bucket,
    Realtime,
    Seed,
    SeedRow,
    Person,
    Size,
}

impl Place {
    fn strict(self) -> Rule {
        match self {
            Place::Item => Rule::only_item,
            Place::Member => Rule::only_member,
            Place::Enum => Rule::only_label,
            Place::Domain => Rule::only_check,
            Place::Composite => Rule::only_composite,
            Place::Sequence => Rule::only_sequence,
            Place::Workflow => Rule::only_step,
            Place::View => Rule::only_index,
            Place::Webhook => Rule::only_webhook,
            Place::Policy => Rule::only_rule,
            Place::Promise => Rule::only_promise,
            Place::Scenario => Rule::only_part,
            Place::Actor => Rule::only_try,
            Place::Bucket => Rule::only_bucket,
            Place::Realtime => Rule::only_realtime,
            Place::Seed => Rule::only_row,
            Place::SeedRow => Rule::only_value,
            Place::Person => Rule::only_person,
            Place::Size => Rule::only_sized,
        }
    }
}

/// How far the strict rule got.
struct Reach {
    /// Where it stopped, from the start of the text.
    at: usize,
    /// Words and signs that it could have gone on with.
    words: Vec<String>,
    /// It could have gone on with a name.
    name: bool,
}

/// Drops what only follows from an error of the scan: findings on its line, and on the lines right below as long as
/// each has one.
pub(crate) fn without_echoes(scan: &Scan<'_>, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let own = scan.findings.len();
    if own == 0 || findings.len() == own {
        return findings;
    }
    let breaks: Vec<usize> = scan.original.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect();
    let line = |d: &Diagnostic| breaks.partition_point(|at| *at < d.span().start as usize);
    let mut bad: Vec<usize> = findings[..own].iter().map(line).collect();
    let mut kept = findings;
    let mut later = kept.split_off(own);
    later.sort_by_key(line);
    for finding in later {
        let here = line(&finding);
        if finding.code == codes::SYNTAX && bad.iter().any(|l| *l == here || *l + 1 == here) {
            bad.push(here);
        } else {
            kept.push(finding);
        }
    }
    kept
}

/// The grammar gave up on a whole file; its catch-all rules should not let it.
pub(crate) fn whole_file(cx: &mut Cx<'_>, error: &Error<Rule>) {
    let at = position(error) + cx.base;
    let mut end = (at + 1).min(cx.text.len());
    while !cx.text.is_char_boundary(end) {
        end += 1;
    }
    cx.findings.push(Diagnostic::new(
        codes::SYNTAX,
        Span::new(cx.file, at.min(end), end),
        "text that makes no sense here",
    ));
}

fn position(error: &Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// Reports an item that makes no sense. An entity with only its first line broken is still given back, so that nobody
/// calls it unknown.
pub(crate) fn broken_item(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Option<Item> {
    let text = pair.as_str();
    let at = cx.at(pair);
    let start = at.0.start as usize;
    if let Some(open) = unclosed_item(text) {
        unclosed(cx, start + open);
    }
    report(cx, text, start, Place::Item);
    let first = first_word(text);
    let is_entity =
        first == "entity" || (nearest(first, spelling::ITEMS.iter().copied()) == Some("entity") && !first.is_empty());
    let open = text.find('{')?;
    if !is_entity || habits::is_foreign_entity(first) {
        return None;
    }
    let header = &text[first.len()..open];
    let name_at = first.len() + header.len() - header.trim_start().len();
    let name = first_word(header.trim_start());
    let base = std::mem::replace(&mut cx.base, start + open);
    let mut members = Vec::new();
    if let Ok(pairs) = Grammar::parse(Rule::only_block, &text[open..]) {
        for pair in pairs.flat_map(Pair::into_inner).filter(|p| !matches!(p.as_rule(), Rule::EOI | Rule::unclosed)) {
            cx.member(pair, start + open, &mut members);
        }
    }
    cx.base = base;
    if name.is_empty() {
        return None;
    }
    let name = crate::ast::Name { text: name.into(), at: cx.at_range(start + name_at, start + name_at + name.len()) };
    let name = QName { schema: None, name };
    let entity = EntityDecl { name, was: None, from: Vec::new(), external: false, unlogged: false, members };
    Some(Item { doc: None, kind: ItemKind::Entity(Box::new(entity)), at })
}

/// Where an item opens a brace that nothing closes.
fn unclosed_item(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open.push(at),
            b'}' => drop(open.pop()),
            _ => {}
        }
    }
    open.first().copied()
}

/// Reports what stands in a block but is no entry of it: text that makes no sense, or a brace that is missing.
pub(crate) fn entry(cx: &mut Cx<'_>, pair: &Pair<'_>, place: Place, opener: usize) {
    let start = cx.at(pair).0.start as usize;
    match pair.as_rule() {
        Rule::unclosed => {
            let brace = cx.text.get(opener..start).and_then(|t| t.find('{')).unwrap_or(0);
            unclosed(cx, opener + brace);
        }
        Rule::broken => {
            cx.doc(start);
            report(cx, pair.as_str(), start, place);
        }
        _ => {}
    }
}

fn unclosed(cx: &mut Cx<'_>, at: usize) {
    cx.findings.push(
        Diagnostic::new(codes::UNCLOSED, Span::new(cx.file, at, at + 1), "`{` is never closed")
            .label("opened here")
            .help("add the closing `}`"),
    );
}

/// Reports the end of a field or reference that makes no sense, `junk` of the column that starts at `column`.
pub(crate) fn junk(cx: &mut Cx<'_>, pair: &Pair<'_>, column: usize) {
    let at = cx.at(pair).0;
    let text = &cx.text[column..at.end as usize];
    report_from(cx, text, column, Place::Member, at.start as usize - column);
}

pub(crate) fn two_target_columns(cx: &mut Cx<'_>, at: Span) {
    let help = "write `reference (a, b) -> target (c, d)` for a reference over several columns";
    cx.findings.push(Diagnostic::new(codes::SYNTAX, at, "a field refers to one column of its target").help(help));
}

pub(crate) fn two_conditions(cx: &mut Cx<'_>, at: Span) {
    let help = "join the conditions with `and`";
    cx.findings.push(Diagnostic::new(codes::SYNTAX, at, "a rule has one `when` or `unless`").help(help));
}

/// `using` beside `when`.
pub(crate) fn two_ways(cx: &mut Cx<'_>, at: Span) {
    let help = "write `using (…) with check (…)` for a policy just as it is, or `when … check …`";
    let message = "a rule has `using` and `with check`, or `when` and `check`";
    cx.findings.push(Diagnostic::new(codes::SYNTAX, at, message).help(help));
}

fn report(cx: &mut Cx<'_>, text: &str, start: usize, place: Place) {
    report_from(cx, text, start, place, 0);
}

/// Says what is wrong with `text`, which starts at `start` in the file and makes sense up to `from`.
fn report_from(cx: &mut Cx<'_>, text: &str, start: usize, place: Place, from: usize) {
    if cx.findings.len() >= MOST_SHOWN {
        cx.left_out += 1;
        return;
    }
    let text = text.trim_end();
    let diagnostic = |from: usize, len: usize, message: String| {
        let span = Span::new(cx.file, start + from, start + from + len);
        Diagnostic::new(codes::SYNTAX, span, message)
    };
    if let Some(habit) = habits::find(place, text, from) {
        cx.findings.push(diagnostic(habit.at, habit.len, habit.message).help(habit.help));
        return;
    }
    let reach = reach(place, text);
    let at = word_start(text, reach.at.max(from));
    let found = found(text, at);
    let keyword = first_word(text);
    let help = match place {
        Place::Member if text[keyword.len()..].trim_start().starts_with("->") => {
            Some("`author_id -> users? on delete cascade as author`")
        }
        _ => spelling::spelling(place, keyword),
    };

    // the first word is none that can stand here
    let after_first = text.get(keyword.len()..at).is_some_and(|t| t.trim().is_empty());
    if (at == 0 || after_first) && !keyword.is_empty() && !spelling::keywords(place).contains(&keyword) {
        let known = spelling::keywords(place);
        if let Some(meant) = nearest(keyword, known.iter().copied()) {
            let help = spelling::spelling(place, meant).map_or(String::new(), |s| format!(" The form is: {s}"));
            let message = format!("`{keyword}` is not known here");
            cx.findings.push(diagnostic(0, keyword.len(), message).help(format!("did you mean `{meant}`?{help}")));
            return;
        }
    }
    let expected = expected(text, at, place, &reach);
    let message = match (found, expected) {
        (Some(found), Some(expected)) => format!("expected {expected}, found `{found}`"),
        (Some(found), None) => format!("`{found}` makes no sense here"),
        (None, Some(expected)) => format!("expected {expected}, but the line ends here"),
        (None, None) => "something is missing at the end of this line".to_owned(),
    };
    let len = found.map_or(0, str::len);
    let mut out = diagnostic(at, len, message);
    if found == Some(";") {
        cx.findings.push(out.help("delete it; what comes next stands on a line of its own, or behind a comma"));
        return;
    }
    let meant = found.and_then(|found| {
        nearest(found, reach.words.iter().map(String::as_str).filter(|w| w.len() > 2)).filter(|m| *m != found)
    });
    out = match (meant, help) {
        (Some(meant), Some(help)) => out.help(format!("did you mean `{meant}`? The form is: {help}")),
        (Some(meant), None) => out.help(format!("did you mean `{meant}`?")),
        (None, Some(help)) => out.help(format!("the form is: {help}")),
        (None, None) => out,
    };
    cx.findings.push(out);
}

/// Reads `text` with the strict rule of its place.
fn reach(place: Place, text: &str) -> Reach {
    // pest keeps this switch for the whole process, so one reader at a time may turn it
    static DETAIL: Mutex<()> = Mutex::new(());
    let guard = DETAIL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    pest::set_error_detail(true);
    let result = Grammar::parse(place.strict(), text);
    pest::set_error_detail(false);
    drop(guard);
    let Err(error) = result else {
        return Reach { at: text.len(), words: Vec::new(), name: false };
    };
    let Some(attempts) = error.parse_attempts() else {
        return Reach { at: position(&error), words: Vec::new(), name: false };
    };
    let mut reach = Reach { at: attempts.max_position.min(text.len()), words: Vec::new(), name: false };
    for token in attempts.expected_tokens() {
        // pest shows a token but does not give it
        let token = token.to_string();
        let sign = matches!(token.as_str(), ":" | "->" | "(" | ")" | "{" | "=" | "$$" | "*");
        if sign || (token.len() > 1 && token.bytes().all(|b| b.is_ascii_lowercase())) {
            reach.words.push(token);
        } else if token == "BUILTIN_RULE" {
            reach.name = true;
        }
    }
    reach
}

/// Back to the start of the word that `at` is in.
fn word_start(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    if text[at..].starts_with(is_word) {
        while let Some(c) = text[..at].chars().next_back().filter(|c| is_word(*c)) {
            at -= c.len_utf8();
        }
    }
    // a line that ends is better shown at its end than below
    if text[at..].starts_with(['\n', ' ']) && text[at..].trim_start().is_empty() {
        return text[..at].trim_end().len();
    }
    at + text[at..].len() - text[at..].trim_start_matches(' ').len()
}

/// The word or sign at `at`.
fn found(text: &str, at: usize) -> Option<&str> {
    let rest = &text[at..];
    let first = rest.chars().next().filter(|c| *c != '\n')?;
    let end = match first {
        c if c.is_alphanumeric() || c == '_' => {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$' || c == '.'))
        }
        '\'' | '"' => rest[1..].find(first).map(|n| n + 2),
        '-' if rest.starts_with("->") => Some(2),
        '$' if rest.starts_with("$$") => Some(2),
        '$' => rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map(|n| n + 1),
        c => Some(c.len_utf8()),
    };
    Some(&rest[..end.unwrap_or(rest.len()).min(rest.len())])
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// What was expected, in the author's words.
fn expected(text: &str, at: usize, place: Place, reach: &Reach) -> Option<String> {
    let before = text[..at].trim_end();
    let typed = matches!(place, Place::Member | Place::Composite | Place::Domain);
    if before.ends_with("->") && place == Place::Actor {
        return Some("`none`, `all`, `only …` or a number of rows after `->`".to_owned());
    }
    if before.ends_with("->") {
        let what = if place == Place::Workflow {
            "a state"
        } else if place == Place::Item {
            "a type or an entity"
        } else {
            "an entity"
        };
        return Some(format!("{what} after `->`"));
    }
    if before.ends_with(':') && typed {
        let named = before.trim_end_matches(':').contains(' ');
        return Some(if named { "an expression or columns after `:`" } else { "a type after `:`" }.to_owned());
    }
    if before.ends_with('=') {
        return Some("a value after `=`".to_owned());
    }
    if place == Place::SeedRow && before.ends_with(':') {
        return Some("a value after `:`".to_owned());
    }
    if let Some(sign) = before.chars().next_back().filter(|c| "<>=+-*/|~%^".contains(*c)) {
        return Some(format!("a value after `{sign}`"));
    }
    if place == Place::Enum && at > 0 {
        return Some("`,` or a line end".to_owned());
    }
    let mut words: Vec<String> = reach.words.iter().map(|w| format!("`{w}`")).collect();
    if reach.name {
        words.insert(0, "a name".to_owned());
    }
    match words.as_slice() {
        [] => Some("the line to end".to_owned()).filter(|_| reach.at < text.len()),
        [one] => Some(one.clone()),
        [first @ .., last] if words.len() <= 5 => Some(format!("{} or {last}", first.join(", "))),
        _ if reach.name => None,
        _ => Some("the line to end".to_owned()),
    }
}
