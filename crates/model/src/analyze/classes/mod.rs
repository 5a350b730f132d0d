//! Data classes: what computed columns and views pass on, what has none and should, who reads a secret; how long rows stay and
//! whose they are.

mod left;
mod neutral;
mod person;
mod retain;
mod routines;
mod sheet;
mod suggest;
mod views;

pub(super) use routines::{function, setting};

use super::collect::Decls;
use super::expand::Expanded;
use super::library::STD;
use super::project::Project;
use crate::effective::{Effective, PUBLIC};
use crate::formula::{Formula, Node, Row};
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes};
use specc_sql::quote::{literal, qualified};
use specc_syntax::ast::DataClass;

/// The sequence in the helper schema by which a transaction is marked that takes values of a person out, or old rows.
const MARK: &str = "erasing";

/// How a trigger of ours that refuses changes lets those pass that take a person's values out, or rows that are too old. Anybody
/// can set the setting and then have an owner make a change, by a foreign key's action or a function of his. So the functions
/// that set it also give the sequence the number of their transaction, which nobody else may.
pub fn let_through(options: &Options) -> String {
    let mark = literal(&mark(options));
    format!(
        "  if tg_op <> 'TRUNCATE' and current_setting('specc.erasing', true) = 'on' then
    begin
      if currval({mark}) = pg_current_xact_id()::text::bigint then
        return case tg_op when 'DELETE' then old else new end;
      end if;
    exception
      -- Whoever may not see the mark has not set it, nor has who did not set it here.
      when insufficient_privilege or object_not_in_prerequisite_state then null;
    end;
  end if;
"
    )
}

fn mark(options: &Options) -> String {
    qualified(&options.helper_schema, MARK)
}

/// Works out the classes and what follows from them, and says what is wrong.
pub(super) fn classes(
    project: &Project<'_>,
    decls: &Decls<'_>,
    model: &mut Model,
    expanded: &[Expanded<'_>],
    out: &mut Vec<Diagnostic>,
) {
    computed(model);
    views::views(model);
    retain::retain(project, model, expanded, out);
    person::person(project, decls, model, out);
    suggest::suggest(project, model, out);
    secrets(model, out);
    routines::add(model);
}

/// A computed column has the class of what it is computed from, and so has one to search in.
fn computed(model: &mut Model) {
    for entity in &mut model.entities {
        if entity.fields.iter().all(|field| field.class.is_none()) {
            continue;
        }
        let class_of = |formula: &Formula| {
            let mut class = None;
            formula.visit(|part| {
                if let Node::Column(Row::Scope(0), field) = part.node {
                    class = class.max(entity.fields[field].class);
                }
            });
            class
        };
        let generated = entity.fields.iter().enumerate();
        let mut found: Vec<(FieldIx, Option<DataClass>)> =
            generated.filter_map(|(at, field)| Some((at, class_of(&field.generated.as_ref()?.formula)))).collect();
        found.extend(entity.searches.iter().map(|search| {
            let classes = search.fields.iter().map(|(field, _)| entity.fields[*field].class);
            (search.field, classes.max().flatten())
        }));
        for (field, class) in found {
            let own = &mut entity.fields[field].class;
            *own = class.max(*own);
        }
    }
}

/// Roles that anybody on the internet has, or whoever signs up.
fn is_open(role: &str) -> bool {
    matches!(role, "anon" | "authenticated") || role == PUBLIC
}

/// Secrets that clients may read.
fn secrets(model: &Model, out: &mut Vec<Diagnostic>) {
    let secret = |entity: &Entity| -> Vec<FieldIx> {
        (0..entity.fields.len()).filter(|at| entity.fields[*at].class == Some(DataClass::Secret)).collect()
    };
    for entity in model.entities.iter().filter(|entity| !entity.external) {
        let fields = secret(entity);
        if fields.is_empty() {
            continue;
        }
        let effective = Effective::of(model, entity, &entity.rules);
        for at in fields {
            let name = &entity.fields[at].name;
            let reads = effective
                .accesses
                .iter()
                .filter(|access| access.command == RuleAction::Select && is_open(&access.role));
            let reads = reads.filter(|access| access.columns.as_ref().is_none_or(|columns| columns.contains(&at)));
            let mut openers: Vec<(&Rule, &SmolStr)> = Vec::new();
            for access in reads {
                let opens = access.openings.iter().filter(|o| o.columns.is_empty() || o.columns.contains(&at));
                for opening in opens {
                    if openers.iter().all(|(rule, _)| rule.span != opening.rule.span) {
                        openers.push((opening.rule, &access.role));
                    }
                }
            }
            if let Some((first, role)) = openers.first() {
                let message = format!("`{role}` may read the secret `{name}` of `{}`", entity.name.name);
                let mut found = Diagnostic::new(codes::OPEN_SECRET, entity.fields[at].meta.span, message);
                found = found.also(first.span, "this rule opens it");
                for (rule, _) in &openers[1..] {
                    found = found.also(rule.span, "and this one");
                }
                out.push(found.help("name the columns that the rule opens, without it: `allow select (id, …)`"));
            }
            for grant in &model.grants {
                let reads = |(privilege, columns): &(SmolStr, Vec<SmolStr>)| {
                    matches!(&**privilege, "select" | "all") && (columns.is_empty() || columns.contains(name))
                };
                let role = grant.roles.iter().find(|role| is_open(role));
                if let (Some(role), true) = (role, grant.object == Object::Entity(entity.id) && !grant.revoke)
                    && grant.privileges.iter().any(reads)
                {
                    let message = format!("`{role}` may read the secret `{name}` of `{}`", entity.name.name);
                    let found = Diagnostic::new(codes::OPEN_SECRET, entity.fields[at].meta.span, message);
                    out.push(found.also(grant.span, "this grant opens it").help("grant columns by name, without it"));
                }
            }
        }
    }
    for view in &model.views {
        let Some(role) = view.roles.iter().find(|role| is_open(role)) else { continue };
        for (class, (name, _)) in view.classes.iter().zip(&view.output) {
            if *class == Some(DataClass::Secret) {
                let message = format!("`{role}` may read the secret `{name}` in the view `{}`", view.name.name);
                let found = Diagnostic::new(codes::OPEN_SECRET, view.meta.span, message);
                out.push(found.help("leave the column out of the view"));
            }
        }
    }
}
