//! The numbers of sequences and identities.

use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast::Setting;

/// Reports numbers that Postgres would refuse: a start outside of the bounds, bounds that leave nothing, a step of 0.
pub(crate) fn check(options: &[Setting], ty: &str, what: &str, out: &mut Vec<Diagnostic>) {
    let first = |s: &&Setting| s.name.text.split(' ').next().unwrap_or_default().to_owned();
    let setting = |words: &[&str]| options.iter().find(|s| words.contains(&&*first(s)));
    let number = |words: &[&str]| setting(words).and_then(|s| s.value.replace('_', "").parse::<i128>().ok());
    let (low, high) = match ty {
        "smallint" => (i128::from(i16::MIN), i128::from(i16::MAX)),
        "int" => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    let step = number(&["increment"]).unwrap_or(1);
    let up = step >= 0;
    let min = number(&["min", "minvalue"]).unwrap_or(if up { 1 } else { low });
    let max = number(&["max", "maxvalue"]).unwrap_or(if up { high } else { -1 });
    let place = |words: &[&str]| setting(words).map(|s| s.at.0);
    let mut bad = |span: Option<Span>, message: String, help: &str| {
        out.extend(span.map(|span| Diagnostic::new(codes::BAD_IDENTITY, span, message).help(help)));
    };
    if step == 0 {
        bad(place(&["increment"]), format!("{what} does not count by 0"), "write 1, or another step");
    }
    if number(&["cache"]).is_some_and(|cache| cache < 1) {
        bad(place(&["cache"]), format!("{what} keeps at least 1 number at hand"), "remove `cache`, or write 1 or more");
    }
    let bounds = place(&["min", "minvalue"]).or_else(|| place(&["max", "maxvalue"]));
    if min < low || max > high {
        return bad(
            bounds,
            format!("{what} is `{ty}`, which goes from {low} to {high}"),
            "use numbers that fit, or `bigint`",
        );
    }
    if min >= max {
        return bad(
            bounds,
            format!("{what} goes from {min} to {max}, which leaves nothing"),
            "let the minimum be below the maximum",
        );
    }
    if let Some(start) = number(&["start"])
        && !(min..=max).contains(&start)
    {
        let message = format!("{what} starts with {start}, and goes from {min} to {max}");
        bad(place(&["start"]), message, "start within the bounds, or change them with `min` and `max`");
    }
}
