//! `specc lint`

use crate::args::{Asked, Lint};
use crate::report::{FINDINGS, Failure, data, plural};
use specc_diag::{RenderOptions, Severity};
use specc_lint::{Options, Report};
use std::cmp::Ordering;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Looks at files of SQL; needs no project and no database.
pub fn run(args: &Lint, format: Asked) -> Result<ExitCode, Failure> {
    let mut files = Vec::new();
    for path in &args.paths {
        for path in found(path)? {
            let bytes =
                std::fs::read(&path).map_err(|error| Failure::broken(format!("{}: {error}", path.display())))?;
            let text =
                String::from_utf8(bytes).map_err(|_| Failure::broken(format!("{} is not UTF-8", path.display())))?;
            files.push((path.to_string_lossy().replace('\\', "/"), text));
        }
    }
    if files.is_empty() {
        return Err(Failure::broken("there is no .sql file here"));
    }
    let exposed = args.exposed.iter().filter(|schema| !schema.is_empty()).cloned().collect();
    let report = specc_lint::lint(&files, &Options { all: args.all, exposed });
    match format {
        Asked::Text => say(&report, files.len()),
        Asked::Json => data(&specc_lint::json(&report).to_string()),
        Asked::Sarif => data(&specc_lint::sarif(&report, env!("CARGO_PKG_VERSION")).to_string()),
        Asked::Github => data(specc_lint::github(&report).trim_end()),
        Asked::Junit | Asked::Markdown | Asked::Html => {
            return Err(super::not_written("lint", "text, json, sarif and github"));
        }
    }
    Ok(if report.is_bad() { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

fn say(report: &Report, files: usize) {
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{}", specc_lint::text(report, RenderOptions { color, width: 100 }));
    let count = |level| report.findings.iter().filter(|finding| finding.level == level).count();
    let _ = writeln!(
        err,
        "{}, {}, {} of advice in {} of {}",
        plural(count(Severity::Error), "error"),
        plural(count(Severity::Warning), "warning"),
        plural(count(Severity::Advice), "piece"),
        plural(report.statements, "statement"),
        plural(files, "file")
    );
}

/// The file, or those in the folder in the order in which they run; down scripts run in another order and are left out.
fn found(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path) {
        let entry = entry.map_err(|error| Failure::broken(error.to_string()))?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_file()
            && name.ends_with(".sql")
            && ![".down.sql", ".abandon.sql"].iter().any(|end| name.ends_with(end))
        {
            files.push(entry.into_path());
        }
    }
    files.sort_by(|a, b| by_number(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(files)
}

/// By name, where numbers count as numbers: `V2` comes before `V10`.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (m, n) = (digits(a_rest), digits(b_rest));
        if m > 0 && n > 0 {
            let (x, y) = (a_rest[..m].trim_start_matches('0'), b_rest[..n].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order.is_ne() {
                return order;
            }
            (a_rest, b_rest) = (&a_rest[m..], &b_rest[n..]);
            continue;
        }
        let (mut a_chars, mut b_chars) = (a_rest.chars(), b_rest.chars());
        match (a_chars.next(), b_chars.next()) {
            (Some(x), Some(y)) if x == y => (a_rest, b_rest) = (a_chars.as_str(), b_chars.as_str()),
            (None, None) => return a.cmp(b),
            (x, y) => return x.cmp(&y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::by_number;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["m/V10__c.sql", "m/V2__b.sql", "m/V1__a.sql", "m/0002.sql", "m/01.sql"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(names, ["m/01.sql", "m/0002.sql", "m/V1__a.sql", "m/V2__b.sql", "m/V10__c.sql"]);
    }
}
