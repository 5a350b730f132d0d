//! Results in the form that CI servers read.

use std::fmt::Write;

/// A test as JUnit has it.
pub struct TestCase {
    /// What it belongs to.
    pub class: String,
    /// Its name.
    pub name: String,
    /// What is wrong, if anything is.
    pub failure: Option<String>,
    /// Why it was not run, if it was not.
    pub skipped: Option<String>,
}

/// A file for CI servers: the tests of a command that took so long.
pub fn junit(suite: &str, cases: &[TestCase], seconds: f64) -> String {
    let count = |is: fn(&TestCase) -> bool| cases.iter().filter(|case| is(case)).count();
    let (failures, skipped) = (count(|case| case.failure.is_some()), count(|case| case.skipped.is_some()));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" time=\"{seconds:.3}\">",
        escaped(suite),
        cases.len()
    );
    for case in cases {
        let _ = write!(out, "  <testcase classname=\"{}\" name=\"{}\"", escaped(&case.class), escaped(&case.name));
        match (&case.failure, &case.skipped) {
            (Some(why), _) => {
                let first = why.lines().next().unwrap_or_default();
                let _ = writeln!(out, "><failure message=\"{}\">{}</failure></testcase>", escaped(first), escaped(why));
            }
            (None, Some(why)) => {
                let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", escaped(why));
            }
            (None, None) => out.push_str("/>\n"),
        }
    }
    out.push_str("</testsuite>\n");
    out
}

/// Text in XML, without what XML cannot have at all.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() && c != '\t' || matches!(c as u32, 0xfffe | 0xffff) => out.push('\u{fffd}'),
            // What ends a line or turns text around for whoever shows the file as it is.
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => drop(write!(out, "&#x{:x};", c as u32)),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_text_in_xml() {
        let case = |failure: Option<&str>| TestCase {
            class: "a<b".into(),
            name: "\"n\"".into(),
            failure: failure.map(Into::into),
            skipped: None,
        };
        let text = junit("specc & co", &[case(Some("1 & 2\n\u{1}")), case(None)], 1.5);
        assert!(
            text.contains("name=\"specc &amp; co\" tests=\"2\" failures=\"1\" skipped=\"0\" time=\"1.500\""),
            "{text}"
        );
        assert!(text.contains("classname=\"a&lt;b\" name=\"&quot;n&quot;\""), "{text}");
        assert!(text.contains("message=\"1 &amp; 2\">1 &amp; 2&#10;\u{fffd}</failure>"), "{text}");
    }
}
