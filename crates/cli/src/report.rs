//! What a command says and how it ends.

use crate::args::Format;
use specc_diag::{Accepted, Code, Diagnostic, FileId, RenderOptions, Severity, Sources};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

/// Exit code for findings: errors in the spec, files that would change.
pub const FINDINGS: u8 = 1;
/// Exit code for bad usage or a broken environment.
pub const BROKEN: u8 = 2;

/// Why a command did not do what it was asked.
pub enum Failure {
    /// The spec or the settings are wrong; the sources are those that the findings point into.
    Findings(Vec<Diagnostic>, Sources),
    /// A change that is not made, or a database that is not as it must be or refuses; with a code where there is a page.
    Refused(Option<Code>, String),
    /// Something around it is: no project, an unreadable file, a full disk.
    Broken(String),
}

impl Failure {
    /// A broken environment, in words.
    pub fn broken(message: impl Into<String>) -> Self {
        Self::Broken(message.into())
    }

    /// Its first line.
    pub fn words(&self) -> String {
        match self {
            Failure::Findings(findings, _) => findings
                .first()
                .map(|finding| finding.message.to_string())
                .unwrap_or_else(|| "the spec has errors".into()),
            Failure::Refused(_, message) | Failure::Broken(message) => {
                message.lines().next().unwrap_or_default().to_owned()
            }
        }
    }

    /// Says it and gives the exit code.
    pub fn report(self, format: Format) -> ExitCode {
        match self {
            Failure::Findings(mut findings, sources) => {
                specc_diag::sort(&mut findings);
                diagnostics(&findings, &[], &sources, format);
                ExitCode::from(FINDINGS)
            }
            Failure::Refused(code, message) => {
                error(code, &message, format);
                ExitCode::from(FINDINGS)
            }
            Failure::Broken(message) => {
                error(None, &message, format);
                ExitCode::from(BROKEN)
            }
        }
    }
}

fn error(code: Option<Code>, message: &str, format: Format) {
    match (format, code) {
        (Format::Json, Some(code)) => data(&serde_json::json!({ "code": code, "error": message }).to_string()),
        (Format::Json, None) => data(&serde_json::json!({ "error": message }).to_string()),
        (_, Some(code)) => note(&format!("error: {}: {message}", code.name())),
        (_, None) => note(&format!("error: {message}")),
    }
}

/// Writes findings, and what is accepted: to stderr as text, to stdout as JSON.
pub fn diagnostics(findings: &[Diagnostic], accepted: &[Accepted], sources: &Sources, format: Format) {
    let is_error = |finding: &Diagnostic| finding.severity() == Severity::Error;
    let (shown, left_out) = specc_diag::most_shown(findings, |finding| finding.span().file, is_error);
    let name = |file: &FileId| sources.file(*file).name.as_str();
    if format == Format::Json {
        let all: Vec<_> = shown.iter().map(|d| specc_diag::render_json(d, sources)).collect();
        let mut found = serde_json::json!({ "diagnostics": all, "accepted": accepted_json(accepted, sources) });
        if !left_out.is_empty() {
            let counts = left_out.iter().map(|(file, count)| (name(file).to_owned(), serde_json::json!(count)));
            found["left_out"] = counts.collect();
        }
        data(&found.to_string());
        return;
    }
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut err = std::io::stderr().lock();
    for finding in shown {
        let _ = write!(err, "{}", specc_diag::render(finding, sources, RenderOptions { color, width: 100 }));
    }
    for (file, count) in &left_out {
        let _ = writeln!(err, "{}", specc_diag::more(*count, name(file)));
    }
    let count = |severity| findings.iter().filter(|d| d.severity() == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let also = if accepted.is_empty() { String::new() } else { format!(", {} accepted", accepted.len()) };
    if errors + warnings + accepted.len() > 0 {
        let _ = writeln!(err, "{}, {}{also}", plural(errors, "error"), plural(warnings, "warning"));
    }
}

/// Accepted warnings as findings with a `reason`.
pub fn accepted_json(accepted: &[Accepted], sources: &Sources) -> Vec<serde_json::Value> {
    let one = |accepted: &Accepted| {
        let mut shown = specc_diag::render_json(&accepted.finding, sources);
        shown["reason"] = accepted.reason.as_str().into();
        shown
    };
    accepted.iter().map(one).collect()
}

/// Why data could not be written, if it could not.
static UNWRITTEN: OnceLock<std::io::Error> = OnceLock::new();

/// Writes data to stdout. A reader that went away is not an error; anything else is one in the end ([`unwritten`]).
pub fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        // The first reason is the one that counts.
        let _ = UNWRITTEN.set(error);
    }
}

/// Writes what a person reads to stdout. Author's text in it moves no cursor, and begins no line: further lines stand behind a bar.
pub fn say(text: &str) {
    for (at, line) in text.split('\n').enumerate() {
        let bar = if at > 0 { "  │ " } else { "" };
        data(&format!("{bar}{}", specc_diag::one_line(line)));
    }
}

/// Writes lines for a person to stderr. Author's text in them moves no cursor.
pub fn note(lines: &str) {
    lines.split('\n').for_each(|line| eprintln!("{}", specc_diag::one_line(line)));
}

/// Says why data could not be written, and gives the exit code for it.
pub fn unwritten() -> Option<ExitCode> {
    let error = UNWRITTEN.get()?;
    eprintln!("error: cannot write to stdout: {error}");
    Some(ExitCode::from(BROKEN))
}

/// The text with `…` in place of what stands between `//` and the end of a word.
pub fn without_passwords(text: &str) -> String {
    let mut parts = text.split("//");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || c == '\'').unwrap_or(part.len());
        out.push_str("//…");
        out.push_str(&part[end..]);
    }
    out
}

/// `1 error`, `2 errors`, `2 queries`.
pub fn plural(n: usize, word: &str) -> String {
    match (n, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{n} {stem}ies"),
        (_, None) => format!("{n} {word}s"),
    }
}
