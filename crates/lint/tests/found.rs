//! Many spellings of one thing: what is found, and what is not, for each line of `found.txt` beside the tables of `found.sql`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_lint::{Options, lint};

#[test]
fn each_spelling_is_found_or_left() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in include_str!("found.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (code, sql) = line.split_once(' ').unwrap();
        let (wanted, code) = code.strip_prefix('-').map_or((true, code), |code| (false, code));
        let files = [("1.sql".into(), include_str!("found.sql").into()), ("2.sql".into(), format!("{sql};\n"))];
        let report = lint(&files, &Options { all: matches!(code, "L074" | "L075"), ..Options::default() });
        let second = report.findings.iter().filter(|finding| finding.span().file.0 == 1);
        let found: Vec<_> = second.map(|finding| finding.rule.code).collect();
        cases += 1;
        if found.contains(&code) != wanted {
            wrong.push(format!("{line}\n    {found:?}"));
        }
    }
    assert!(cases > 300, "{cases} cases");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}
