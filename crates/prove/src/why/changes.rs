//! Changes of the spec that turn an answer, and what else each of them opens.

use super::parts::Said;
use super::spelled::{block, line};
use super::{Answer, Asked, Asking};
use crate::access::binds;
use crate::case::Case;
use crate::scene::Stage;
use crate::sorts::Sorts;
use crate::verdict::Verdict;
use crate::wider::{More, Pair};
use smol_str::SmolStr;
use specc_diag::{FileId, Span};
use specc_model::effective::{COMMANDS, grantees, unequal_selects};
use specc_model::formula::{Formula, Node};
use specc_model::{Entity, EntityId, ExprRef, FieldIx, Model, Rule, RuleAction, condition};

/// Text in place of other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What it replaces; none: it is added at the end of the file.
    pub span: Option<Span>,
    /// Of which file.
    pub file: FileId,
    /// The new text.
    pub text: String,
}

/// Something that a change of the spec opens besides what was asked about.
pub struct Opened {
    /// To whom.
    pub role: SmolStr,
    /// What is done.
    pub command: RuleAction,
    /// To rows of which entity.
    pub entity: EntityId,
    /// Columns that are read or written then.
    pub columns: Vec<FieldIx>,
    /// A row that is let through only then.
    pub example: Option<Case>,
    /// Whether that is decided; if not, it depends on what is not modelled.
    pub decided: bool,
}

/// A change of the spec.
pub struct Change {
    /// In words.
    pub text: String,
    /// How it is made.
    pub edit: Edit,
    /// Whether every row asked about is let through then; if not, some are.
    pub whole: bool,
    /// What else it opens.
    pub opens: Vec<Opened>,
}

/// A change that is tried: the model that comes of it.
struct Tried {
    text: String,
    edit: Edit,
    model: Model,
    touched: EntityId,
    commands: Vec<RuleAction>,
}

/// So many changes are looked at.
const MOST: usize = 24;

/// All changes of which each turns the answer, those that open least first.
pub(super) fn that_turn(asked: &Asked<'_>, answer: &Answer, own: impl Fn(FileId) -> bool) -> Vec<Change> {
    let model = asked.stage.model;
    let mut found = Vec::new();
    let mut tried = candidates(asked, own);
    tried.truncate(MOST);
    for tried in tried {
        let beside: Vec<_> = asked.asking.formula().map(|formula| (asked.asking.entity, formula)).into_iter().collect();
        let sorts = Sorts::with(&[model, &tried.model], &beside);
        let stage = Stage { model: &tried.model, other: None, sorts: &sorts };
        let role = crate::Role::new(&tried.model, &asked.asking.role);
        let now = Asked { stage, asking: asked.asking, role }.answer();
        let pair = Pair { before: model, after: &tried.model, sorts: &sorts };
        let whole = now == Answer::Always;
        let turned = match answer {
            Answer::Never => whole || now == Answer::Sometimes,
            _ => whole || opens_more(&pair, asked.asking),
        };
        if turned {
            let opens = opened(&pair, asked.asking, &tried);
            found.push(Change { text: tried.text, edit: tried.edit, whole, opens });
        }
    }
    found.sort_by_key(|change| (!change.whole, change.opens.len()));
    found
}

/// Whether more of the rows asked about are let through.
fn opens_more(pair: &Pair<'_>, asking: &Asking) -> bool {
    let of = asking.formula().map(|formula| (formula, true));
    let more = pair.more(&asking.role, asking.command, asking.entity, of);
    matches!(more.rows, Verdict::Counterexample(_))
}

/// What a change opens to whom, beside what was asked about.
fn opened(pair: &Pair<'_>, asking: &Asking, tried: &Tried) -> Vec<Opened> {
    let mut roles: Vec<SmolStr> = crate::roles(pair.after).into_iter().map(|role| role.name).collect();
    if !roles.contains(&asking.role) {
        roles.push(asking.role.clone());
    }
    let mut found = Vec::new();
    for entity in &pair.after.entities {
        let commands = match entity.id == tried.touched {
            true => tried.commands.as_slice(),
            false if crate::is_guarded(entity) && asks_of(pair.after, entity, tried.touched) => &COMMANDS,
            false => continue,
        };
        for role in &roles {
            for command in commands {
                let asked = entity.id == asking.entity && *role == asking.role && *command == asking.command;
                let except = asking.formula().filter(|_| asked);
                if asked && except.is_none() {
                    continue;
                }
                let more = pair.more(role, *command, entity.id, except.map(|formula| (formula, false)));
                if more.is_none() {
                    continue;
                }
                let More { rows, mut columns } = more;
                if asked {
                    columns.retain(|field| !asking.columns.contains(field));
                }
                let (example, decided) = match rows {
                    Verdict::Counterexample(case) => (case, true),
                    Verdict::OutOfFragment { .. } | Verdict::TooLarge => (None, false),
                    Verdict::Proven { .. } | Verdict::Checked { .. } if columns.is_empty() => continue,
                    Verdict::Proven { .. } | Verdict::Checked { .. } => (None, true),
                };
                let (role, command, entity) = (role.clone(), *command, entity.id);
                found.push(Opened { role, command, entity, columns, example, decided });
            }
        }
    }
    found
}

/// Whether a rule of an entity asks a query of rows of another one, which that one's rules show.
pub(crate) fn asks_of(model: &Model, entity: &Entity, of: EntityId) -> bool {
    let exprs = entity.rules.iter().flat_map(|rule| [&rule.when, &rule.check]).flatten();
    let mut rest: Vec<&Formula> = exprs.map(|expr| &expr.formula).collect();
    let (mut seen, mut found) = (std::collections::BTreeSet::new(), false);
    while let Some(next) = rest.pop() {
        next.visit_all(model, &mut |part| {
            if let Node::Sql(sql) = &part.node {
                found |= sql.tables().any(|table| table == of);
            }
            if let Node::Call(call) = &part.node
                && let Some(at) = call.declared
                && seen.insert(at)
            {
                rest.extend(model.functions[at].asks.as_ref().map(|asks| &asks.formula));
            }
        });
    }
    found
}

fn candidates<'m>(asked: &Asked<'m>, own: impl Fn(FileId) -> bool) -> Vec<Tried> {
    let model = asked.stage.model;
    let entity = model.entity(asked.asking.entity);
    let can = Changing { asked, entity };
    let mut found = Vec::new();
    let does = |rule: &&Rule| rule.actions.iter().any(|(action, _)| *action == asked.asking.command);
    for (at, rule) in entity.rules.iter().enumerate().filter(|(_, rule)| does(rule)) {
        let elsewhere = |other: &&Entity| other.id != entity.id && other.rules.iter().any(|r| r.span == rule.span);
        let as_written = |expr: &ExprRef| (expr.span.end - expr.span.start) as usize == expr.text.len();
        let verbatim = [&rule.when, &rule.check].into_iter().flatten().all(as_written);
        // A rule of a mixin is one for all who use it.
        if !own(rule.span.file) || !verbatim || model.entities.iter().any(|other| elsewhere(&other)) {
            continue;
        }
        let bound = binds(model, rule, &asked.role);
        match rule.forbid {
            true if bound => found.extend(can.excepted(at, rule)),
            true => {}
            false if !bound => found.push(can.given_to(at, rule)),
            false => {
                found.extend(can.with_columns(at, rule));
                found.extend(can.weaker(at, rule));
            }
        }
    }
    if own(entity.meta.span.file) {
        found.extend(can.added());
    }
    // A spec in which rules show one role different columns is none.
    found.retain(|tried| unequal_selects(&tried.model, tried.model.entity(entity.id)).is_empty());
    found
}

struct Changing<'a, 'm> {
    asked: &'a Asked<'m>,
    entity: &'m Entity,
}

impl<'m> Changing<'_, 'm> {
    fn model(&self) -> &'m Model {
        self.asked.stage.model
    }

    /// The model with another rule in place of one.
    fn changed(&self, at: usize, text: String, rule: Rule) -> Tried {
        let mut model = self.model().clone();
        let edit =
            Edit { span: Some(rule.written), file: rule.written.file, text: line(self.model(), self.entity, &rule) };
        let commands = rule.actions.iter().map(|(action, _)| *action).collect();
        model.entities[self.entity.id.0 as usize].rules[at] = rule;
        Tried { text, edit, model, touched: self.entity.id, commands }
    }

    /// A condition of a rule that is written so.
    fn read(&self, text: &str, at: Span) -> Option<ExprRef> {
        condition(self.model(), self.entity.id, text, at).ok()
    }

    fn given_to(&self, at: usize, rule: &Rule) -> Tried {
        let role = &self.asked.asking.role;
        let mut new = rule.clone();
        new.roles = grantees(self.model(), rule);
        new.roles.push(role.clone());
        self.changed(at, format!("give rule `{}` to `{role}` too", rule.name), new)
    }

    /// An exception for the rows asked about.
    fn excepted(&self, at: usize, rule: &Rule) -> Option<Tried> {
        let asked = self.asked.asking.condition.as_deref()?;
        let (mut new, except) = (rule.clone(), &asked.text);
        let open = rule.unless || rule.exact;
        new.unless = !rule.exact && (rule.unless || rule.when.is_none());
        new.when = Some(match &rule.when {
            None => self.read(except, asked.span)?,
            Some(when) if open => self.read(&format!("({}) or ({except})", when.text), when.span)?,
            Some(when) => self.read(&format!("({}) and ({except}) is not true", when.text), when.span)?,
        });
        if let Some(check) = &rule.check {
            new.check = Some(match open {
                true => self.read(&format!("({}) or ({except})", check.text), check.span)?,
                false => self.read(&format!("({}) and ({except}) is not true", check.text), check.span)?,
            });
        }
        Some(self.changed(at, format!("except those rows from rule `{}`", rule.name), new))
    }

    /// Columns of a rule that names some.
    fn with_columns(&self, at: usize, rule: &Rule) -> Option<Tried> {
        let (command, asked) = (self.asked.asking.command, &self.asked.asking.columns);
        let mut new = rule.clone();
        let (_, columns) = new.actions.iter_mut().find(|(action, _)| *action == command)?;
        let missing: Vec<FieldIx> = asked.iter().copied().filter(|field| !columns.contains(field)).collect();
        if columns.is_empty() || missing.is_empty() {
            return None;
        }
        columns.extend(&missing);
        columns.sort_unstable();
        let names: Vec<String> = missing.iter().map(|field| format!("`{}`", self.entity.fields[*field].name)).collect();
        Some(self.changed(at, format!("add {} to the columns of rule `{}`", names.join(", "), rule.name), new))
    }

    /// The rule without one of the parts that it asks for.
    fn weaker(&self, at: usize, rule: &'m Rule) -> Vec<Tried> {
        let mut found = Vec::new();
        for (is_check, expr) in [(false, &rule.when), (true, &rule.check)] {
            let Some(expr) = expr else { continue };
            let said = Said::of(expr);
            for dropped in said.droppable() {
                let weaker = said.without(dropped).and_then(|text| self.read(&text, expr.span));
                let Some(weaker) = weaker else { continue };
                let mut new = rule.clone();
                *(if is_check { &mut new.check } else { &mut new.when }) = Some(weaker);
                let text = format!("drop `{}` from rule `{}`", dropped.text, rule.name);
                found.push(self.changed(at, text, new));
            }
        }
        found
    }

    /// A rule of its own.
    fn added(&self) -> Option<Tried> {
        let Asking { role, command, columns, condition, .. } = self.asked.asking;
        let mut actions = vec![(*command, columns.clone())];
        // Who changes rows has to find them.
        let blind = self.asked.reads() && self.asked.right(RuleAction::Select).is_none();
        let bound = self.asked.right(*command).is_some();
        if blind && bound {
            actions.clear();
        }
        if blind {
            actions.insert(0, (RuleAction::Select, Vec::new()));
        }
        // Which columns are seen does not depend on the row.
        if *command == RuleAction::Select
            && let Some(first) = self.asked.right(*command).and_then(|right| right.openings().first().copied())
        {
            actions[0].1 = first.columns.to_vec();
        }
        let words: Vec<&str> = actions.iter().map(|(action, _)| action.word()).collect();
        let base = format!("{role}_{}", words.join("_"));
        let taken = |name: &str| self.entity.rules.iter().any(|rule| rule.name == name);
        let mut names = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}_{n}")));
        let name = names.find(|name| !taken(name))?;
        let rule = Rule {
            name: name.into(),
            doc: None,
            forbid: false,
            actions,
            columns_at: Vec::new(),
            all: false,
            roles: vec![role.clone()],
            when: condition.clone(),
            unless: false,
            check: None,
            exact: false,
            was: None,
            span: self.entity.meta.span,
            written: self.entity.meta.span,
        };
        let text = match condition {
            Some(condition) => format!("add a rule: allow {} to `{role}` when `{}`", words.join(", "), condition.text),
            None => format!("add a rule: allow {} to `{role}`", words.join(", ")),
        };
        let file = self.entity.meta.span.file;
        let edit = Edit { span: None, file, text: format!("\n{}", block(self.model(), self.entity, &[&rule])) };
        let mut model = self.model().clone();
        let commands = rule.actions.iter().map(|(action, _)| *action).collect();
        model.entities[self.entity.id.0 as usize].rules.push(rule);
        Some(Tried { text, edit, model, touched: self.entity.id, commands })
    }
}
