//! The file with what programs need to reach a database: lines `NAME=value`.

use std::fmt::Write;

/// Where our lines begin and end; others are whoever's who wrote them.
const BEGIN: &str = "# specc deploy: written by each deployment";
const END: &str = "# specc deploy: end";

/// Why our lines cannot be put into a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Others' lines have this name too: which of the two counts depends on who reads the file.
    #[error("it says `{0}` itself, so which one counts is not known: take that line out")]
    Twice(String),
    /// Where our lines end, and others' go on, is not known.
    #[error("the line `{BEGIN}` has no line `{END}` after it, so whose lines follow is not known: put that line back")]
    Open,
}

/// The text with our lines in place of those that were there.
///
/// # Errors
/// Where it is not known what of the text is ours, or which value would count.
pub fn with(text: &str, values: &[(String, String)]) -> Result<String, Unfit> {
    let mut others = String::new();
    let mut ours = false;
    for line in text.lines() {
        match line {
            _ if line == BEGIN && ours => return Err(Unfit::Open),
            _ if line == BEGIN => ours = true,
            _ if line == END => ours = false,
            _ if ours => {}
            _ => {
                let name = line.trim_start().trim_start_matches("export ").split('=').next().unwrap_or_default().trim();
                if let Some((name, _)) = values.iter().find(|(own, _)| own == name) {
                    return Err(Unfit::Twice(name.clone()));
                }
                others.push_str(line);
                others.push('\n');
            }
        }
    }
    if ours {
        return Err(Unfit::Open);
    }
    let mut out = others;
    let _ = writeln!(out, "{BEGIN}");
    for (name, value) in values {
        let _ = writeln!(out, "{name}={}", quoted(value));
    }
    let _ = writeln!(out, "{END}");
    Ok(out)
}

/// A value that a shell and the readers of such files take alike.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@%+=?&,~".contains(c);
    // A shell takes `&` and `?` for its own, and `~` at the beginning.
    let needs = value.contains(['&', '?', '~']) || !value.chars().all(is_plain);
    match needs {
        false => value.to_owned(),
        true if !value.contains('\'') => format!("'{value}'"),
        true => {
            format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Unfit, with};

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn others_lines_stay_and_ours_are_exchanged() {
        let first = with("A=1\n", &pairs(&[("URL", "postgresql://a:b@c/d"), ("KEY", "x y")])).expect("a text");
        assert_eq!(
            first,
            "A=1\n# specc deploy: written by each deployment\nURL=postgresql://a:b@c/d\nKEY='x y'\n# specc deploy: end\n"
        );
        let again = with(&format!("{first}B=2\n"), &pairs(&[("URL", "it's $1")])).expect("a text");
        assert_eq!(
            again,
            "A=1\nB=2\n# specc deploy: written by each deployment\nURL=\"it's \\$1\"\n# specc deploy: end\n"
        );
        let cut = first.replace("# specc deploy: end\n", "B=2\n");
        assert_eq!(with(&cut, &pairs(&[("KEY", "x")])), Err(Unfit::Open));
        assert_eq!(with(&format!("{cut}{again}"), &pairs(&[("KEY", "x")])), Err(Unfit::Open));
        assert_eq!(with("export KEY = 1\n", &pairs(&[("KEY", "x")])), Err(Unfit::Twice("KEY".to_owned())));
    }
}
