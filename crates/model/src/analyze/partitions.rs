//! Bounds of partitions that hold nothing, or the same rows. Only what is written plainly is compared: numbers, and dates and
//! moments in the common form.

use crate::types::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};

/// A value that can be compared with others of its column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bound {
    Least,
    Number(i128),
    Moment(String),
    Most,
}

fn bound(expr: &Expr, ty: &str) -> Option<Bound> {
    match expr.text.to_ascii_lowercase().as_str() {
        "minvalue" => return Some(Bound::Least),
        "maxvalue" => return Some(Bound::Most),
        _ => {}
    }
    match ty {
        "smallint" | "int" | "bigint" => {
            let text = expr.formula.literal_text().unwrap_or(expr.text.as_str());
            text.trim().parse().ok().map(Bound::Number)
        }
        "date" | "timestamp" | "timestamptz" => {
            let text = expr.formula.literal_text()?.trim();
            let form = "dddd-dd-dd dd:dd:dd";
            let plain = matches!(text.len(), 10 | 16 | 19)
                && text.bytes().zip(form.bytes()).all(|(b, f)| if f == b'd' { b.is_ascii_digit() } else { b == f });
            // A day begins at midnight.
            plain.then(|| Bound::Moment(format!("{text}{}", &" 00:00:00"[text.len().saturating_sub(10)..])))
        }
        _ => None,
    }
}

/// Reports what Postgres would refuse of the partitions of one entity.
pub(crate) fn check(model: &Model, entity: &Entity, by: &PartitionBy, all: &[Partition], out: &mut Vec<Diagnostic>) {
    let one = match &by.elements[..] {
        [Element { on: On::Field(at), .. }] => Some(&entity.fields[*at]),
        _ => None,
    };
    let ty = one.map(|field| model.under(&field.ty)).filter(|ty| ty.dims == 0);
    let ty = match ty.as_ref().map(|ty| &ty.base) {
        Some(Base::Builtin(name)) => name.clone(),
        _ => SmolStr::default(),
    };
    let mut ranges: Vec<(Bound, Bound, &Partition)> = Vec::new();
    let mut values: FxHashMap<(Option<Bound>, SmolStr), &Partition> = FxHashMap::default();
    let mut hashed: Vec<(u32, u32, &Partition)> = Vec::new();
    for partition in all {
        match &partition.bounds {
            Bounds::Range { from, to } => {
                let ([from], [to]) = (&from[..], &to[..]) else { continue };
                let (Some(low), Some(high)) = (bound(from, &ty), bound(to, &ty)) else { continue };
                if low >= high {
                    let message = format!("`{}` holds no row: it ends where it begins, or before", partition.name.name);
                    out.push(wrong(to.span, message).help("a range holds its first value, and ends before its second"));
                } else {
                    ranges.push((low, high, partition));
                }
            }
            Bounds::List(list) => {
                for value in list {
                    let literal = value.formula.literal_text().map(SmolStr::from);
                    let Some(text) = literal.or_else(|| value.formula.is_constant().then(|| value.text.clone())) else {
                        continue;
                    };
                    if let Some(first) = values.insert((bound(value, &ty), text.clone()), partition)
                        && first.name != partition.name
                    {
                        let message = format!("`{}` is in two partitions", value.text);
                        out.push(twice(value.span, message, first.span));
                    }
                }
            }
            Bounds::Hash { modulus, remainder } => {
                let meets = |(m, r, _): &&(u32, u32, &Partition)| {
                    let both = gcd(*m, *modulus).max(1);
                    r % both == remainder % both
                };
                if let Some((.., first)) = hashed.iter().find(meets) {
                    let message = format!("`{}` holds rows that are in `{}` too", partition.name.name, first.name.name);
                    out.push(twice(partition.span, message, first.span));
                }
                hashed.push((*modulus, *remainder, partition));
            }
            Bounds::Default => {}
        }
    }
    ranges.sort_by(|a, b| (&a.0, &a.1, a.2.span).cmp(&(&b.0, &b.1, b.2.span)));
    let mut last: Option<&(Bound, Bound, &Partition)> = None;
    for range in &ranges {
        if let Some(before) = last.filter(|before| before.1 > range.0) {
            let (first, second) = if before.2.span < range.2.span { (before.2, range.2) } else { (range.2, before.2) };
            let message = format!("`{}` holds rows that are in `{}` too", second.name.name, first.name.name);
            out.push(twice(second.span, message, first.span));
        }
        if last.is_none_or(|before| before.1 < range.1) {
            last = Some(range);
        }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn wrong(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(codes::BAD_PARTITION, span, message)
}

fn twice(span: Span, message: String, first: Span) -> Diagnostic {
    wrong(span, message).also(first, "the other one").help("let each row be in one partition")
}
