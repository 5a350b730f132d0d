//! Retention, whose rows are a person's.

use super::Printer;
use super::text::*;
use crate::ast::*;

pub(super) fn retain(r: &RetainDecl) -> String {
    let spans: Vec<String> = r.spans.iter().map(|(number, unit)| format!("{number} {}", unit.text)).collect();
    let from = r.from.as_ref().map_or(String::new(), |column| format!(" from {}", name(column)));
    format!("retain {}{from}", spans.join(" "))
}

pub(super) fn distribute(d: &DistributeDecl) -> String {
    match (&d.by, &d.kind) {
        (Some((column, Some(with))), _) => format!("distribute by {} with {}", name(column), qname(with)),
        (Some((column, None)), _) => format!("distribute by {}", name(column)),
        (None, Some(kind)) => format!("distribute as {}", kind.text),
        (None, None) => "distribute".to_owned(),
    }
}

pub(super) fn rolls(r: &RollsDecl) -> String {
    let mut out = format!(" every {}", r.every.text);
    if let Some((number, unit)) = &r.keep {
        out.push_str(&format!(" keep {number} {}", unit.text));
        if let Some((word, schema)) = &r.then {
            let schema = schema.as_ref().map_or(String::new(), |schema| format!(" in {}", name(schema)));
            out.push_str(&format!(" then {}{schema}", word.text));
        }
    }
    if let Some(ahead) = r.ahead {
        out.push_str(&format!(" ahead {ahead}"));
    }
    out
}

impl Printer<'_> {
    pub(super) fn person(&mut self, person: &PersonDecl) -> String {
        let head = format!("person {}", qname(&person.entity));
        if person.rows.is_empty() {
            return head;
        }
        let lines = self.block(|p, lines| {
            for rows in &person.rows {
                p.entry(lines, rows.at, &None, |_| person_rows(rows).into());
            }
        });
        format!("{head} {lines}")
    }
}

fn person_rows(rows: &PersonRows) -> String {
    let of = rows.of.as_ref().map_or(String::new(), |(entity, of)| format!(" = {} ({})", qname(entity), names(of)));
    format!("{} by {}{of}", qname(&rows.entity), names(&rows.columns))
}
