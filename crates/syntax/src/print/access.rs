//! Policies, buckets, realtime.

use super::text::*;
use super::{Align, Cells, Line, Printer, WIDTH};
use crate::ast::*;

impl Printer<'_> {
    /// `{ rules }`
    pub(super) fn rules(&mut self, rules: &[PolicyRule]) -> String {
        self.block(|p, lines| {
            for rule in rules {
                p.entry(lines, rule.at, &rule.doc, |p| p.rule(rule));
            }
        })
    }

    fn rule(&mut self, rule: &PolicyRule) -> Cells {
        let effect = if rule.forbid { "forbid" } else { "allow" };
        let roles = if rule.roles.is_empty() { String::new() } else { format!("to {}", names(&rule.roles)) };
        let mut rest = Vec::new();
        if let Some(when) = &rule.when {
            rest.push(match (rule.exact, rule.unless) {
                (true, _) => format!("using {}", self.in_brackets(when)),
                (false, true) => format!("unless {}", self.expr(when)),
                (false, false) => format!("when {}", self.expr(when)),
            });
        }
        if let Some(check) = &rule.check {
            rest.push(match rule.exact {
                true => format!("with check {}", self.in_brackets(check)),
                false => format!("check {}", self.expr(check)),
            });
        }
        rest.extend(rule.was.as_ref().map(|old| format!("was {}", name(old))));
        let what = format!("{effect} {}", join(&rule.actions, action));
        self.in_columns(vec![format!("{}:", label(&rule.name)), what, roles, rest.join(" ")])
    }

    /// Its name or its first word, what, who, and when.
    pub(super) fn in_columns(&self, cells: Vec<String>) -> Cells {
        // what is too wide for one line has who and when below, and only its name stands in a column
        let width: usize = cells.iter().map(|c| c.lines().next().map_or(0, |l| l.chars().count() + 2)).sum();
        if width + self.depth * 2 > WIDTH && cells[2..].iter().any(|c| !c.is_empty()) {
            let below = [cells[2].as_str(), cells[3].as_str()].join(" ");
            let pad = " ".repeat(self.depth * 2 + 2);
            let rest = format!("{}\n{pad}{}", cells[1], below.trim());
            return Cells(Align::Rule, vec![cells[0].clone(), rest, String::new(), String::new()]);
        }
        Cells(Align::Rule, cells)
    }

    pub(super) fn bucket(&mut self, b: &BucketDecl) -> String {
        let plain = |lines: &mut Vec<Line>, text: String| {
            lines.push(Line::Row { cells: vec![text], align: Align::None, trailing: None });
        };
        let block = self.block(|p, lines| {
            let mut entries: Vec<(At, String)> = b.public.iter().map(|at| (*at, "public".to_owned())).collect();
            entries.extend(b.size.iter().map(|(size, unit)| (unit.at, format!("size {size} {}", unit.text))));
            if let (Some(first), Some(last)) = (b.mime.first(), b.mime.last()) {
                let text = format!("mime {}", join(&b.mime, |m| string(&m.value)));
                entries.push((At(first.at.0.to(last.at.0)), text));
            }
            // As they were written: comments stay with them.
            entries.sort_by_key(|(at, _)| at.0.start);
            for (at, text) in entries {
                p.entry(lines, at, &None, |_| text.into());
            }
            if !b.rules.is_empty() {
                let rules = p.rules(&b.rules);
                plain(lines, format!("policy {rules}"));
            }
        });
        format!("bucket {} {block}", label(&b.name))
    }

    pub(super) fn realtime(&mut self, r: &RealtimeDecl) -> String {
        let block = self.block(|p, lines| {
            for table in &r.tables {
                p.entry(lines, table.at, &None, |p| {
                    let list =
                        if table.columns.is_empty() { String::new() } else { format!(" {}", columns(&table.columns)) };
                    let filter = table.filter.as_ref().map_or(String::new(), |e| format!(" where {}", p.expr(e)));
                    format!("{}{list}{filter}", line_start(qname(&table.entity), '"')).into()
                });
            }
        });
        format!("realtime {block}")
    }
}
