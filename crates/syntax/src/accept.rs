//! `accept W0605 'why'`: which declaration each is about.
//!
//! It stands after something on its line, and is about the innermost declaration there; or on a line of its own, and is
//! about the declaration below it.

use crate::ast::{Item, ItemKind, Member, MemberKind, PolicyRule, ScenarioPart, SpecFile};
use crate::build::unquote;
use crate::scan::{Found, Kind, Scan};
use specc_diag::{Acceptance, Code, Diagnostic, FileId, Severity, Span, codes, nearest};

/// Those of a file that accept a warning; what else is wrong with them goes to `findings`.
pub(crate) fn accepts(
    file: FileId,
    scan: &Scan<'_>,
    items: &[Item],
    findings: &mut Vec<Diagnostic>,
) -> Vec<Acceptance> {
    let written: Vec<&Found> = scan.comments.iter().filter(|c| c.kind == Kind::Accept).collect();
    if written.is_empty() {
        return Vec::new();
    }
    let declarations = Declarations::of(items);
    let mut accepts = Vec::new();
    // Where the last thing before it on its line ends, looked for from the `accept` before.
    let (mut seen, mut before) = (0, None);
    for found in written {
        let between = &scan.text[seen..found.start];
        let line = between.rfind('\n').map_or(0, |at| at + 1);
        let solid = between[line..].trim_end_matches(|c: char| c.is_whitespace() || c == ',');
        if line > 0 || seen == 0 {
            before = None;
        }
        if !solid.is_empty() {
            before = Some(seen + line + solid.len() - 1);
        }
        seen = found.start;
        let at = Span::new(file, found.start, found.end);
        let text = &scan.original[found.start..found.end];
        let (word, reason) = text["accept".len()..].split_once('\'').unwrap_or_default();
        let word = word.trim();
        let start = found.start + text.find(word).unwrap_or(0);
        match code(word, Span::new(file, start, start + word.len())) {
            Ok(code) => {
                let reason = unquote(&format!("'{reason}"));
                if reason.trim().is_empty() {
                    let message = format!("`accept {word}` gives no reason");
                    findings.push(
                        Diagnostic::new(codes::CANNOT_ACCEPT, at, message).help("write why it is as it should be"),
                    );
                    continue;
                }
                // what is about nothing accepts nothing
                let about =
                    declarations.about(before, found.start).map_or(at, |(start, end)| Span { start, end, ..at });
                accepts.push(Acceptance { code, reason, about, at });
            }
            Err(finding) => findings.push(finding),
        }
    }
    accepts
}

/// The warning with this code.
fn code(word: &str, at: Span) -> Result<Code, Diagnostic> {
    let refuse = |message: String, help: String| Err(Diagnostic::new(codes::CANNOT_ACCEPT, at, message).help(help));
    match Code::find(word) {
        Some(code) if code.severity() == Severity::Warning && code != codes::ACCEPTS_NOTHING => Ok(code),
        Some(code) if code.severity() == Severity::Warning => {
            refuse(format!("`{word}` is about `accept` itself"), "remove the `accept` that accepts nothing".to_owned())
        }
        Some(_) => refuse(
            format!("`{word}` is an error, which nobody can accept"),
            format!("mend it; `specc explain {word}` says how"),
        ),
        None if word.starts_with(['L', 'l']) && word[1..].bytes().all(|b| b.is_ascii_digit()) => refuse(
            format!("`{word}` is about SQL files, not about the spec"),
            format!("in the SQL file, write `-- specc: allow {word} the reason` above the statement"),
        ),
        None => {
            let warnings = Code::all().filter(|c| c.severity() == Severity::Warning).map(Code::name);
            let near = nearest(word, warnings).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| "write the code of the warning: `accept W0605 'why'`".to_owned());
            refuse(format!("there is no warning `{word}`"), help)
        }
    }
}

/// For each `accept` of the file, the declaration that it is about, by its place among all.
pub(crate) fn places(file: &SpecFile) -> Vec<Option<usize>> {
    let declarations = Declarations::of(&file.items);
    let place = |a: &Acceptance| declarations.all.iter().position(|d| *d == (a.about.start, a.about.end));
    file.accepts.iter().map(place).collect()
}

type Range = (u32, u32);

/// Every declaration that a warning can be about, in the order of the text; those around others come first.
struct Declarations {
    all: Vec<Range>,
    /// The one around each.
    around: Vec<Option<usize>>,
}

impl Declarations {
    fn of(items: &[Item]) -> Self {
        let mut all = Vec::new();
        let mut add = |span: Span| all.push((span.start, span.end));
        for item in items {
            add(item.at.0);
            match &item.kind {
                ItemKind::Entity(d) => members(&d.members, &mut add),
                ItemKind::Mixin(d) => members(&d.members, &mut add),
                ItemKind::Policy(d) => rules(&d.rules, &mut add),
                ItemKind::Promise(d) => d.lines.iter().for_each(|l| add(l.at.0)),
                ItemKind::Scenario(d) => d.parts.iter().for_each(|part| match part {
                    ScenarioPart::Given { at, rows } => {
                        add(at.0);
                        rows.iter().for_each(|r| add(r.at.0));
                    }
                    ScenarioPart::As(actor) => {
                        add(actor.at.0);
                        actor.steps.iter().for_each(|s| add(s.at.0));
                    }
                }),
                ItemKind::Bucket(d) => rules(&d.rules, &mut add),
                ItemKind::Enum(d) => d.labels.iter().for_each(|l| add(l.at.0)),
                ItemKind::Domain(d) => d.checks.iter().for_each(|c| add(c.at.0)),
                ItemKind::Composite(d) => d.fields.iter().for_each(|f| add(f.at.0)),
                ItemKind::Realtime(d) => d.tables.iter().for_each(|t| add(t.at.0)),
                ItemKind::Seed(d) => d.rows.iter().for_each(|r| add(r.at.0)),
                ItemKind::Size(d) => d.rows.iter().for_each(|r| add(r.at.0)),
                _ => {}
            }
        }
        let mut around = Vec::with_capacity(all.len());
        for (n, (start, _)) in all.iter().enumerate() {
            let mut outer = n.checked_sub(1);
            while let Some(one) = outer.filter(|one| all[*one].1 <= *start) {
                outer = around[one];
            }
            around.push(outer);
        }
        Self { all, around }
    }

    /// The innermost that `at` lies in, and the first that starts after it.
    fn at(&self, at: usize) -> (Option<Range>, Option<Range>) {
        let started = self.all.partition_point(|(start, _)| *start as usize <= at);
        let mut innermost = started.checked_sub(1);
        while let Some(one) = innermost.filter(|one| self.all[*one].1 as usize <= at) {
            innermost = self.around[one];
        }
        (innermost.map(|one| self.all[one]), self.all.get(started).copied())
    }

    /// The one that the `accept` at `start` is about; `before` is the last byte that stands before it on its line.
    fn about(&self, before: Option<usize>, start: usize) -> Option<Range> {
        if let Some(before) = before {
            return self.at(before).0;
        }
        let (around, next) = self.at(start);
        next.filter(|(start, _)| around.is_none_or(|(_, end)| *start < end)).or(around)
    }
}

fn members(members: &[Member], add: &mut impl FnMut(Span)) {
    for member in members {
        add(member.at.0);
        match &member.kind {
            MemberKind::Policy(list) => rules(list, add),
            MemberKind::Promise(d) => d.lines.iter().for_each(|l| add(l.at.0)),
            MemberKind::Workflow(d) => d.steps.iter().for_each(|s| add(s.at.0)),
            _ => {}
        }
    }
}

fn rules(rules: &[PolicyRule], add: &mut impl FnMut(Span)) {
    rules.iter().for_each(|r| add(r.at.0));
}
