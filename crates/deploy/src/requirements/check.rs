//! What of the answers a spec does not meet.

use super::QUESTIONS;
use super::answers::{Answer, Answers, Section, Word, read};
use specc_catalog::{Catalog, Index, Object, Rule};
use specc_diag::{Diagnostic, FileId, Span, codes, nearest};
use specc_model::effective::{Effective, acts_as, bypasses, known_roles};
use specc_model::{Entity, Model, RuleAction};

/// From how many rows on a table is to have partitions.
const MANY: u64 = 100_000_000;

/// What was looked at.
pub struct Checked {
    /// What is not met, not answered, or not to be read.
    pub findings: Vec<Diagnostic>,
    /// How many things the answers say.
    pub asked: usize,
}

/// Compares the answers with a spec.
pub fn check(file: FileId, text: &str, model: &Model, catalog: &Catalog) -> Checked {
    let mut check = Check { model, catalog, checked: Checked { findings: Vec::new(), asked: 0 } };
    let Answers { sections, strange } = read(file, text);
    for (question, section) in QUESTIONS.iter().zip(sections) {
        check.section(question.title, question.form, &section, Span::new(file, 0, 0));
    }
    for heading in strange {
        check.strange(heading);
    }
    check.checked
}

/// Of which rows an answer speaks.
#[derive(Clone, Copy)]
enum Rows {
    All,
    Own,
    Some,
}

struct Check<'m> {
    model: &'m Model,
    catalog: &'m Catalog,
    checked: Checked,
}

impl<'m> Check<'m> {
    fn section(&mut self, title: &str, form: &str, section: &Section<'_>, start: Span) {
        if section.answers.is_empty() && !section.none {
            let message = match section.heading {
                Some(_) => format!("nobody has answered `{title}`"),
                None => format!("the question `{title}` is not there"),
            };
            let help = format!("write lines `- {form}` under `## {title}`, or `- none`");
            let span = section.heading.unwrap_or(start);
            self.checked.findings.push(Diagnostic::new(codes::UNANSWERED, span, message).help(help));
        }
        for answer in &section.answers {
            if answer.parts.is_empty() && title != "Entities" {
                self.unreadable(answer.whole, form);
                continue;
            }
            match title {
                "Entities" => self.entity(answer),
                "Roles" => self.role(answer, form),
                "Security" => self.security(answer, form),
                "Scale" => self.scale(answer, form),
                _ => self.integration(answer, form),
            }
        }
    }

    /// Lines that answer stand under a heading that is no question.
    fn strange(&mut self, heading: Word<'_>) {
        self.checked.asked += 1;
        let titles = QUESTIONS.map(|question| question.title);
        let help = match nearest(heading.text, titles) {
            Some(near) => format!("did you mean `## {near}`?"),
            None => format!("the questions are {}; text that answers none of them needs no `-`", titles.join(", ")),
        };
        let message = format!("`{}` is none of the questions, so nothing checks what is answered there", heading.text);
        self.unmet(heading.span, message, Some(help));
    }

    fn unmet(&mut self, span: Span, message: String, help: Option<String>) {
        self.checked.findings.push(Diagnostic::new(codes::UNMET_REQUIREMENT, span, message).maybe_help(help));
    }

    fn unreadable(&mut self, word: Word<'_>, form: &str) {
        self.checked.asked += 1;
        let message = format!("`{}` is not an answer that can be checked", word.text);
        self.unmet(word.span, message, Some(format!("the form is `- {form}`")));
    }

    /// The entity of a name, with its schema or without; a finding where there is none.
    fn find(&mut self, word: Word<'_>) -> Option<&'m Entity> {
        self.checked.asked += 1;
        let (schema, name) = word.text.split_once('.').map_or((None, word.text), |(schema, name)| (Some(schema), name));
        let own = || self.model.entities.iter().filter(|entity| !entity.external);
        let is =
            |entity: &&Entity| entity.name.name == name && schema.is_none_or(|schema| entity.name.schema == schema);
        let found = own().find(is);
        if found.is_none() {
            let near = nearest(name, own().map(|entity| entity.name.name.as_str()));
            let help = match near {
                Some(near) => format!("did you mean `{near}`? Else the spec needs `entity {name} {{ … }}`"),
                None => format!("the spec needs `entity {name} {{ … }}`"),
            };
            self.unmet(word.span, format!("no entity of the spec is `{}`", word.text), Some(help));
        }
        found
    }

    fn column(&mut self, entity: &Entity, word: Word<'_>) -> Option<usize> {
        self.checked.asked += 1;
        let found = entity.fields.iter().position(|field| field.name == word.text);
        if found.is_none() {
            let near = nearest(word.text, entity.fields.iter().map(|field| field.name.as_str()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            self.unmet(word.span, format!("`{}` has no column `{}`", entity.name.name, word.text), help);
        }
        found
    }

    fn is_role(&mut self, word: Word<'_>) -> bool {
        self.checked.asked += 1;
        let known = known_roles(self.model);
        if known.iter().any(|role| role == word.text) {
            return true;
        }
        let near = nearest(word.text, known.iter().map(|role| role.as_str()));
        let help = near.map_or_else(
            || format!("there is {}", known.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.unmet(word.span, format!("no role of the spec is `{}`", word.text), Some(help));
        false
    }

    fn entity(&mut self, answer: &Answer<'_>) {
        let Some(entity) = self.find(answer.subject) else { return };
        for part in &answer.parts {
            self.column(entity, *part);
        }
    }

    fn role(&mut self, answer: &Answer<'_>, form: &str) {
        if !self.is_role(answer.subject) {
            return;
        }
        let role = answer.subject.text;
        for part in &answer.parts {
            let mut words = part.text.split_whitespace();
            let verb = words.next().unwrap_or_default();
            let action = match verb {
                "reads" => RuleAction::Select,
                "adds" => RuleAction::Insert,
                "changes" => RuleAction::Update,
                "deletes" => RuleAction::Delete,
                _ => {
                    self.unreadable(*part, form);
                    continue;
                }
            };
            let rest: Vec<&str> = words.collect();
            let (rows, name) = match rest.as_slice() {
                ["own", name] => (Rows::Own, *name),
                ["some", name] => (Rows::Some, *name),
                [name] => (Rows::All, *name),
                _ => {
                    self.unreadable(*part, form);
                    continue;
                }
            };
            let start = part.span.end as usize - name.len();
            let Some(entity) =
                self.find(Word { text: name, span: Span::new(part.span.file, start, part.span.end as usize) })
            else {
                continue;
            };
            self.may(role, action, verb, rows, entity, part.span);
        }
    }

    fn may(&mut self, role: &str, action: RuleAction, verb: &str, rows: Rows, entity: &Entity, span: Span) {
        self.checked.asked += 1;
        let name = &entity.name.name;
        let decision = Effective::decision(self.model, entity, &acts_as(self.model, role), action);
        let every =
            bypasses(self.model, role) || decision.as_ref().is_some_and(|decision| decision.is_every_row(action));
        let word = action.word();
        let (message, help) = match (decision.is_some() || every, rows) {
            (false, _) => (
                format!("no rule lets `{role}` {word} rows of `{name}`"),
                format!("the spec needs `allow {word} to {role} when …` under `policy on {name}`"),
            ),
            (true, Rows::Own) if every => (
                format!("`{role}` {verb} every row of `{name}`, not only its own"),
                format!("a rule needs a condition: `allow {word} to {role} when …`"),
            ),
            (true, Rows::All) if !every => (
                format!("`{role}` {verb} only the rows of `{name}` that a condition lets through, not every row"),
                format!(
                    "write `{verb} own {name}` or `{verb} some {name}`, or the spec needs `allow {word} to {role}`"
                ),
            ),
            _ => return,
        };
        self.unmet(span, message, Some(help));
    }

    fn security(&mut self, answer: &Answer<'_>, form: &str) {
        let said: Vec<&str> = answer.parts.iter().flat_map(|part| part.text.split_whitespace()).collect();
        match said.as_slice() {
            ["closed", "to", role] => {
                let Some(entity) = self.find(answer.subject) else { return };
                let end = answer.whole.span.end as usize;
                if !self.is_role(Word { text: role, span: Span::new(answer.whole.span.file, end - role.len(), end) }) {
                    return;
                }
                let roles = acts_as(self.model, role);
                for action in [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                    self.checked.asked += 1;
                    let decision = Effective::decision(self.model, entity, &roles, action);
                    if decision.is_some() || bypasses(self.model, role) {
                        let message = format!("`{role}` may {} rows of `{}`", action.word(), entity.name.name);
                        let help =
                            format!("`specc why {role} {} {}` says by which rule", action.word(), entity.name.name);
                        self.unmet(answer.whole.span, message, Some(help));
                    }
                }
            }
            [class @ ("pii" | "secret")] => {
                let Some((table, column)) = answer.subject.text.rsplit_once('.') else {
                    return self.unreadable(answer.whole, form);
                };
                let span = answer.subject.span;
                let dot = span.start as usize + table.len();
                let Some(entity) =
                    self.find(Word { text: table, span: Span::new(span.file, span.start as usize, dot) })
                else {
                    return;
                };
                let word = Word { text: column, span: Span::new(span.file, dot + 1, span.end as usize) };
                let Some(at) = self.column(entity, word) else { return };
                let has = entity.fields[at].class.map(|class| class.word());
                if has != Some(*class) {
                    let message = format!("the spec does not say that `{}` is `{class}`", answer.subject.text);
                    self.unmet(answer.whole.span, message, Some(format!("write `{class}` behind the column's type")));
                }
            }
            ["kept", interval @ ..] if !interval.is_empty() => {
                let Some(entity) = self.find(answer.subject) else { return };
                let interval = interval.join(" ");
                let has = entity.retain.as_ref().map(|retain| retain.interval.as_str());
                if has != Some(interval.as_str()) {
                    let message = match has {
                        Some(has) => format!("rows of `{}` are kept {has}, not {interval}", entity.name.name),
                        None => format!("nothing says how long rows of `{}` are kept", entity.name.name),
                    };
                    self.unmet(answer.whole.span, message, Some(format!("write `retain {interval}` into the entity")));
                }
            }
            _ => self.unreadable(answer.whole, form),
        }
    }

    fn scale(&mut self, answer: &Answer<'_>, form: &str) {
        let said = answer.parts.first().map(|part| part.text).unwrap_or_default();
        if let Some(first) = said.strip_prefix("found by ") {
            let Some(entity) = self.find(answer.subject) else { return };
            let mut columns = vec![first.trim()];
            columns.extend(answer.parts.iter().skip(1).map(|part| part.text));
            let before = self.checked.findings.len();
            let first_at = answer.parts[0].span.end as usize - first.trim().len();
            let first = Word {
                text: columns[0],
                span: Span::new(answer.whole.span.file, first_at, answer.parts[0].span.end as usize),
            };
            for word in std::iter::once(first).chain(answer.parts.iter().skip(1).copied()) {
                self.column(entity, word);
            }
            if self.checked.findings.len() == before && !self.has_index(entity, &columns) {
                let message = format!("no index of `{}` begins with {}", entity.name.name, columns.join(", "));
                self.unmet(
                    answer.whole.span,
                    message,
                    Some(format!("write `index ({})` into the entity", columns.join(", "))),
                );
            }
            return;
        }
        let rows = said.strip_suffix(" rows").and_then(|number| number.replace('_', "").trim().parse::<u64>().ok());
        let (Some(rows), 1) = (rows, answer.parts.len()) else { return self.unreadable(answer.whole, form) };
        let Some(entity) = self.find(answer.subject) else { return };
        if rows >= MANY && entity.partition_by.is_none() {
            let message = format!("`{}` is to have {rows} rows, and has no partitions", entity.name.name);
            self.unmet(
                answer.whole.span,
                message,
                Some("write `partition by range (COLUMN)` into the entity".to_owned()),
            );
        }
        self.key_lasts(entity, rows, answer.whole.span);
    }

    /// Whether the numbers of the key are enough for all rows.
    fn key_lasts(&mut self, entity: &Entity, rows: u64, span: Span) {
        let id = specc_catalog::TableName::new(entity.name.schema.clone(), entity.name.name.clone()).id();
        let Some(Object::Table(table)) = self.catalog.get(&id).map(|entry| &entry.object) else { return };
        let [at] = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default() else { return };
        let name = &entity.fields[*at].name;
        let ty = table.columns.iter().find(|column| column.name == *name).map(|column| column.ty.name.as_str());
        let most = match ty {
            Some("smallint") => u64::from(u16::MAX / 2),
            Some("int") => u64::from(u32::MAX / 2),
            _ => return,
        };
        if rows > most {
            let message = format!("the key of `{}` counts to {most}, and {rows} rows are expected", entity.name.name);
            self.unmet(span, message, Some(format!("write `{name}: bigint` instead")));
        }
    }

    /// Whether an index, a key or a unique constraint begins with these columns, in any order.
    fn has_index(&self, entity: &Entity, columns: &[&str]) -> bool {
        let begins = |of: &[&str]| {
            of.len() >= columns.len() && columns.iter().all(|column| of[..columns.len()].contains(column))
        };
        let is_own =
            |table: &specc_catalog::TableName| table.schema == entity.name.schema && table.name == entity.name.name;
        self.catalog.iter().any(|(_, entry)| match &entry.object {
            Object::Index(index) if is_own(&index.table) && index.filter.is_none() => begins(&keys(index)),
            Object::Constraint(constraint) if is_own(&constraint.table) => match &constraint.rule {
                Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => {
                    begins(&columns.iter().map(|column| column.as_str()).collect::<Vec<_>>())
                }
                _ => false,
            },
            _ => false,
        })
    }

    fn integration(&mut self, answer: &Answer<'_>, form: &str) {
        let sort = answer.subject.text;
        for part in answer.parts.clone() {
            let model = self.model;
            let (is_there, needs) = match sort {
                "realtime" | "search" | "webhook" => {
                    let Some(entity) = self.find(part) else { continue };
                    match sort {
                        "realtime" => (
                            model.realtime.iter().any(|table| table.entity == entity.id),
                            format!("`realtime {{ {} }}`", part.text),
                        ),
                        "search" => (!entity.searches.is_empty(), format!("`search (COLUMN A)` in `{}`", part.text)),
                        _ => (
                            model.webhooks.iter().any(|hook| hook.entity == entity.id),
                            format!("a `webhook` on `{}`", part.text),
                        ),
                    }
                }
                "storage" => (
                    model.buckets.iter().any(|bucket| bucket.name == part.text),
                    format!("`bucket {} {{ … }}`", part.text),
                ),
                "schedule" => {
                    (model.schedules.iter().any(|job| job.name == part.text), format!("`schedule {}`", part.text))
                }
                "extension" => {
                    (model.extensions.iter().any(|one| one.name == part.text), format!("`extension {}`", part.text))
                }
                _ => {
                    self.unreadable(answer.whole, form);
                    return;
                }
            };
            self.checked.asked += 1;
            if !is_there {
                self.unmet(
                    part.span,
                    format!("the spec has no {sort} `{}`", part.text),
                    Some(format!("the spec needs {needs}")),
                );
            }
        }
    }
}

/// The columns of an index; what is computed is none.
fn keys(index: &Index) -> Vec<&str> {
    index.keys.iter().map_while(|key| key.column_name()).map(|name| name.as_str()).collect()
}
