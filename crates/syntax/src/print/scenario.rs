//! Scenarios.

use super::text::*;
use super::{Align, Cells, Printer, SHORT};
use crate::ast::*;

impl Printer<'_> {
    pub(super) fn scenario(&mut self, scenario: &ScenarioDecl) -> String {
        let env = scenario.env.as_ref().map_or(String::new(), |env| format!(" in {}", name(env)));
        let block = self.block(|p, lines| {
            for part in &scenario.parts {
                let at = match part {
                    ScenarioPart::Given { at, .. } => *at,
                    ScenarioPart::As(actor) => actor.at,
                };
                p.entry(lines, at, &None, |p| match part {
                    ScenarioPart::Given { rows, .. } => format!("given {}", p.seed_rows(rows)).into(),
                    ScenarioPart::As(actor) => p.actor(actor).into(),
                });
            }
        });
        format!("scenario {}{env} {block}", string(&scenario.text.text))
    }

    fn actor(&mut self, actor: &ActorDecl) -> String {
        // A label that reads as the word before a role.
        let quoted = !actor.is_role && actor.who.text == "role";
        let who = if quoted { "\"role\"".to_owned() } else { name(&actor.who) };
        let kind = if actor.is_role { "role " } else { "" };
        let role = actor.role.as_ref().map_or(String::new(), |role| format!(" in {}", name(role)));
        let claims = actor.claims.as_ref().map_or(String::new(), |claims| format!(" claims {}", string(&claims.value)));
        let head = format!("as {kind}{who}{role}{claims}");
        // One that asks for rows alone is short.
        if let [StepDecl { kind: StepKind::Rows { entity, rows }, .. }] = actor.steps.as_slice()
            && let Some(line) = self.one_line(&head, &[format!("{} -> {}", qname(entity), seen(rows))], SHORT)
        {
            return line;
        }
        let block = self.block(|p, lines| {
            for step in &actor.steps {
                p.entry(lines, step.at, &None, |p| p.act_step(step));
            }
        });
        format!("{head} {block}")
    }

    fn act_step(&mut self, step: &StepDecl) -> Cells {
        match &step.kind {
            StepKind::Rows { entity, rows } => Cells(Align::Step, vec![qname(entity), format!("-> {}", seen(rows))]),
            StepKind::Try { deny, what, code } => {
                let word = if *deny { "deny" } else { "allow" };
                let Cells(align, mut cells) = match what {
                    TryDecl::Insert { entity, fields } => {
                        self.values(format!("{word} insert {}", qname(entity)), fields, step.at)
                    }
                    TryDecl::Update { row, fields } => {
                        self.values(format!("{word} update {}", row_ref(row)), fields, step.at)
                    }
                    TryDecl::Delete { row } => format!("{word} delete {}", row_ref(row)).into(),
                    TryDecl::Call { function, args } => {
                        format!("{word} call {}({})", qname(function), self.expr(args)).into()
                    }
                };
                if let (Some(code), Some(last)) = (code, cells.last_mut()) {
                    last.push_str(&format!(" with {}", string(&code.value)));
                }
                Cells(align, cells)
            }
        }
    }
}

fn seen(rows: &RowsDecl) -> String {
    match rows {
        RowsDecl::None => "none".to_owned(),
        RowsDecl::All => "all".to_owned(),
        RowsDecl::Count(1) => "1 row".to_owned(),
        RowsDecl::Count(count) => format!("{count} rows"),
        RowsDecl::Only(labels) => format!("only {}", names(labels)),
    }
}

fn row_ref(row: &RowRef) -> String {
    let entity = row.entity.as_ref().map_or(String::new(), |entity| format!("{} ", qname(entity)));
    // Words that end the row.
    match row.label.text.as_str() {
        word @ ("with" | "allow" | "deny") => format!("{entity}\"{word}\""),
        _ => format!("{entity}{}", name(&row.label)),
    }
}
