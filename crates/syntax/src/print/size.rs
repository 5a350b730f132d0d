//! Sizes.

use super::text::*;
use super::{Align, Cells, Printer, WIDTH};
use crate::ast::*;

impl Printer<'_> {
    pub(super) fn size(&mut self, size: &SizeDecl) -> String {
        let env = size.env.as_ref().map_or(String::new(), |env| format!(" in {}", name(env)));
        let mut text = format!("size{env} ");
        for (nth, rows) in size.rows.iter().enumerate() {
            let part = self.size_rows(rows);
            let line = text.rsplit('\n').next().unwrap_or_default();
            let room = WIDTH.saturating_sub(line.chars().count() + 2);
            match nth {
                0 => {}
                _ if part.contains('\n') || part.chars().count() > room => text.push_str(",\n     "),
                _ => text.push_str(", "),
            }
            text.push_str(&part);
        }
        text
    }

    fn size_rows(&mut self, rows: &SizeRows) -> String {
        let count = match &rows.count {
            SizeCount::Rows { rows, .. } => grouped(&rows.to_string()),
            SizeCount::Per { each, path, skew } => {
                // `zipf` behind a path is how rows are shared out
                let skew_text = skew.as_ref().map_or(String::new(), |s| format!(" {}", skew_text(s)));
                format!("{} per {}{skew_text}", grouped(&each.text), name(path))
            }
        };
        let head = format!("{} {count}", qname(&rows.entity));
        if rows.columns.is_empty() {
            return head;
        }
        let block = self.block(|p, lines| {
            for column in &rows.columns {
                p.entry(lines, column.at, &None, |p| {
                    let traits: Vec<String> = column.traits.iter().map(|t| p.size_trait(t)).collect();
                    Cells(Align::Column, vec![format!("{}:", name(&column.name)), traits.join(", ")])
                });
            }
        });
        format!("{head} {block}")
    }

    fn size_trait(&mut self, part: &SizeTrait) -> String {
        match part {
            SizeTrait::Distinct { count, .. } => format!("distinct {}", grouped(&count.to_string())),
            SizeTrait::Nulls(percent) => format!("nulls {} %", percent.text),
            SizeTrait::Width { bytes, .. } => format!("width {}", grouped(&bytes.to_string())),
            SizeTrait::Correlation(value) => format!("correlation {}", value.text),
            SizeTrait::Between(values) => format!("between {}", self.in_brackets(values)),
            SizeTrait::Skew(skew) => skew_text(skew),
            SizeTrait::Share { value, percent } => format!("{} {} %", share(&value.text), percent.text),
        }
    }
}

fn skew_text(skew: &Skew) -> String {
    let word = if skew.zipf { "zipf" } else { "uniform" };
    skew.exponent.as_ref().map_or(word.to_owned(), |exponent| format!("{word} {}", exponent.text))
}

/// A value: a number or a word as it is, unless it reads as something else that is said of a column.
fn share(text: &str) -> String {
    const WORDS: [&str; 7] = ["distinct", "nulls", "width", "correlation", "between", "zipf", "uniform"];
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.split('.').count() <= 2
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if number || is_word(text) && !text.starts_with('$') && !WORDS.contains(&text) {
        text.to_owned()
    } else {
        string(text)
    }
}

/// With `_` between thousands.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    if digits.len() < 4 {
        return number.to_owned();
    }
    let first = digits.len() % 3;
    let mut out = digits[..first].to_owned();
    for at in (first..digits.len()).step_by(3) {
        if !out.is_empty() {
            out.push('_');
        }
        out.push_str(&digits[at..at + 3]);
    }
    format!("{sign}{out}{rest}")
}
