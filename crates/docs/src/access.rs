//! `access.md`: the access matrix, and rules in plain words.

use crate::book::{Book, RoleColumn};
use crate::promises;
use crate::text;
use specc_model::effective::COMMANDS;
use specc_model::{Entity, FieldIx, ParamKind, Rls, Rule, RuleAction, Target, View};
use std::fmt::Write;

/// The page.
pub fn page(book: &Book<'_>) -> String {
    let mut out = String::from("# Access\n\n");
    let viewer = book.model.viewer.map(|id| format!(" `viewer` is the {} row of who asks.", book.link(id, "")));
    let _ = writeln!(
        out,
        "The tables say who may **r**ead, **a**dd, **c**hange and **d**elete rows. A capital letter: every row. A small \
         letter: only the rows that a rule lets through. A `*`: only some columns. `–`: no access. Below each table stand \
         the rules that decide: rules that allow add up, and every rule that forbids narrows what they allow.{}\n",
        viewer.unwrap_or_default(),
    );
    if book.model.options.target == Target::Supabase {
        out.push_str(
            "[`service_role`](roles/service_role.md) bypasses row level security: it reaches every row of every table that is granted \
             to it, so its key belongs on servers only. Constraints and triggers bind it as they bind everybody. \
             The owner of the tables is not bound by row level security either, in migrations and in functions that are \
             `security definer`.\n\n",
        );
    } else {
        out.push_str("Superusers, roles with `bypassrls` and the owner of a table whose row level security is not forced see every row.\n\n");
    }
    promises::list(book, &mut out);
    predicates(book, &mut out);
    for area in &book.areas {
        let _ = writeln!(out, "## {}\n", text::plain(&area.name));
        let mut names = vec!["Entity".to_owned()];
        names.extend(book.roles().iter().map(|role| format!("[{}]({})", text::code(&role.name), role.path)));
        text::head(&mut out, &names);
        for &id in &area.entities {
            let entity = book.model.entity(id);
            let mut cells = vec![book.link(id, "")];
            cells.extend(book.roles().iter().map(|role| letters(book, entity, role)));
            text::row(&mut out, cells);
        }
        out.push('\n');
        for &id in &area.entities {
            let entity = book.model.entity(id);
            let _ = writeln!(out, "### {}\n", text::plain(book.label(id)));
            detail(book, entity, &mut out);
        }
    }
    views(book, &mut out);
    out
}

fn predicates(book: &Book<'_>, out: &mut String) {
    let own = book.model.predicates.iter().filter(|p| !matches!(p.meta.area.as_str(), "std" | "platform"));
    let mut own = own.peekable();
    if own.peek().is_none() {
        return;
    }
    out.push_str("## Predicates\n\nConditions that rules share.\n\n");
    text::head(out, &["Predicate", "Holds when", "Notes"]);
    for predicate in own {
        let params = predicate.params.iter().map(|param| match &param.kind {
            ParamKind::Row(id) => format!("{}: {}", param.name, book.label(*id)),
            ParamKind::Value(ty) => format!("{}: {}", param.name, text::ty(book.model, ty)),
        });
        let params: Vec<String> = params.collect();
        let name = match params.is_empty() {
            true => predicate.name.to_string(),
            false => format!("{}({})", predicate.name, params.join(", ")),
        };
        let doc = predicate.meta.doc.as_deref().map(text::sentence).unwrap_or_default();
        text::row(out, [text::code(&name), text::code(&predicate.body.text), doc]);
    }
    out.push('\n');
}

/// `R a c –`
fn letters<'a>(book: &Book<'a>, entity: &'a Entity, role: &RoleColumn<'_>) -> String {
    let letters = COMMANDS.map(|action| {
        let letter = match action {
            RuleAction::Select => 'r',
            RuleAction::Insert => 'a',
            RuleAction::Update => 'c',
            RuleAction::Delete => 'd',
        };
        match reach(book, entity, role, action) {
            Reach::None => String::new(),
            Reach::Some { every_row, every_column } => {
                let letter = if every_row { letter.to_ascii_uppercase() } else { letter };
                let star = if every_column { "" } else { "\\*" };
                format!("{letter}{star}")
            }
        }
    });
    let given: Vec<String> = letters.into_iter().filter(|letter| !letter.is_empty()).collect();
    if given.is_empty() { "–".to_owned() } else { given.join(" ") }
}

/// How far an action of a role goes.
pub enum Reach {
    None,
    Some { every_row: bool, every_column: bool },
}

/// How far an action of a role goes, by the rules or, where none bind it, by what is granted.
pub fn reach<'a>(book: &Book<'a>, entity: &'a Entity, role: &RoleColumn<'_>, action: RuleAction) -> Reach {
    if !is_bound(book, entity, role) {
        return by_grant(book, entity, role, action);
    }
    let Some(decision) = book.decision(entity, role, action) else { return Reach::None };
    Reach::Some { every_row: decision.is_every_row(action), every_column: decision.columns.is_none() }
}

/// Whether row level security binds a role on an entity: not who bypasses it, nor the owner of the table, unless it is forced.
pub fn is_bound(book: &Book<'_>, entity: &Entity, role: &RoleColumn<'_>) -> bool {
    let owns = entity.rls != Rls::Forced && role.rights.owns(&book.table(entity.id));
    entity.rls != Rls::Off && !role.bypasses && !owns
}

/// Without row level security, what is granted is all there is, and an owner has all.
fn by_grant(book: &Book<'_>, entity: &Entity, role: &RoleColumn<'_>, action: RuleAction) -> Reach {
    if role.rights.owns(&book.table(entity.id)) {
        return Reach::Some { every_row: true, every_column: true };
    }
    let privilege = action.word();
    let grants = &book.objects(entity).grants;
    let mut columns = grants.iter().filter(|(to, what, _)| *what == privilege && role.acts_as.contains(to));
    match columns.next() {
        None => Reach::None,
        Some((_, _, first)) => Reach::Some {
            every_row: true,
            every_column: first.is_empty() || columns.any(|(_, _, columns)| columns.is_empty()),
        },
    }
}

/// Who reaches an entity that no rule opens.
pub fn nobody_but(book: &Book<'_>, entity: &Entity) -> String {
    let table = book.table(entity.id);
    let past = book.roles_of_pages().iter().filter(|role| {
        !is_bound(book, entity, role)
            && specc_types::Verb::ALL.iter().any(|verb| !role.rights.columns(&table, verb.word()).is_empty())
    });
    let past: Vec<String> = past.map(|role| text::code(&role.name)).collect();
    match past.is_empty() {
        true => "nobody reaches it but its owner".to_owned(),
        false => format!("nobody reaches it but {} and its owner", text::and(&past)),
    }
}

/// Role by action, with the rules that decide and their conditions.
fn detail<'a>(book: &Book<'a>, entity: &'a Entity, out: &mut String) {
    match entity.rls {
        Rls::Off => {
            out.push_str("Row level security is off: what is granted is all there is.\n\n");
            return;
        }
        Rls::Forced => out.push_str("Row level security holds for the owner of the table too.\n\n"),
        Rls::On => {}
    }
    if !entity.rules.iter().any(|rule| !rule.forbid) {
        let _ = writeln!(out, "No rule opens it: {}.\n", nobody_but(book, entity));
        return;
    }
    text::head(out, &["Role", "Read", "Add", "Change", "Delete"]);
    for role in book.roles() {
        let mut cells = vec![text::code(&role.name)];
        for action in COMMANDS {
            if !is_bound(book, entity, role) {
                let granted = matches!(by_grant(book, entity, role, action), Reach::Some { .. });
                let why = if role.rights.owns(&book.table(entity.id)) { "its own" } else { "granted" };
                cells.push(if granted { format!("{why}, every row") } else { "–".to_owned() });
                continue;
            }
            let parts = deciding(book, entity, role, action, 90);
            cells.push(if parts.is_empty() { "–".to_owned() } else { parts.join("<br>") });
        }
        text::row(out, cells);
    }
    out.push('\n');
}

/// The rules that decide about an action of a role, those that narrow it last; each condition cut to `most` characters. Nothing
/// where no rule lets it in.
pub fn deciding<'a>(
    book: &Book<'a>,
    entity: &'a Entity,
    role: &RoleColumn<'_>,
    action: RuleAction,
    most: usize,
) -> Vec<String> {
    let Some(decision) = book.decision(entity, role, action) else { return Vec::new() };
    let said = |rule: &Rule, columns: &[FieldIx]| {
        let columns = (!columns.is_empty()).then(|| book.columns(entity, columns));
        format!("{}{}", text::code(&rule.name), limits(rule, columns, most))
    };
    let mut parts: Vec<String> = decision.openings.iter().map(|o| said(o.rule, o.columns)).collect();
    parts.extend(decision.narrowings.iter().map(|rule| format!("but refused by {}", said(rule, &[]))));
    parts.extend(decision.closed.iter().map(|(rule, columns)| format!("but refused by {}", said(rule, columns))));
    parts
}

/// Whether the condition says which rows the rule lets pass, as that of a restrictive policy does.
fn lets_pass(rule: &Rule) -> bool {
    rule.unless || rule.forbid && rule.exact
}

/// `: when … , columns …`
pub fn limits(rule: &Rule, columns: Option<String>, most: usize) -> String {
    let condition = |text: &str| text::code(&text::cut(&text::line(text), most));
    let mut parts = Vec::new();
    if let Some(when) = &rule.when {
        let word = if lets_pass(rule) { "unless" } else { "when" };
        parts.push(format!("{word} {}", condition(&when.text)));
    }
    if let Some(check) = &rule.check {
        parts.push(format!("new row {}", condition(&check.text)));
    }
    parts.extend(columns.map(|columns| format!("columns {columns}")));
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) }
}

/// Whose rights a view reads with.
pub fn rights(view: &View) -> &'static str {
    match (view.materialized, view.security_definer) {
        (true, _) => "rows are stored: the rules of its tables do not apply",
        (_, true) => "its owner's: the rules of its tables do not apply",
        _ => "the reader's: the rules of its tables apply",
    }
}

fn views(book: &Book<'_>, out: &mut String) {
    let views: Vec<_> = book.own_views().collect();
    if views.is_empty() {
        return;
    }
    out.push_str("## Views\n\n");
    text::head(out, &["View", "Read by", "Whose rights"]);
    for view in views {
        let reads = |role: &&RoleColumn<'_>| book.reads(role, view);
        let roles: Vec<String> =
            book.roles_of_pages().iter().filter(reads).map(|role| text::code(&role.name)).collect();
        let readers = if roles.is_empty() { "–".to_owned() } else { roles.join(", ") };
        text::row(out, [text::code(&text::short(book.model, &view.name)), readers, rights(view).to_owned()]);
    }
    out.push('\n');
}

/// A rule as a sentence: ``**Allows** `owners_update`: `authenticated` may change rows where …``
pub fn words(book: &Book<'_>, entity: Option<&Entity>, rule: &Rule) -> String {
    let who: Vec<String> = rule.roles.iter().map(|role| text::code(role)).collect();
    let who = match (who.is_empty(), rule.forbid) {
        (false, _) => text::and(&who),
        (true, false) => book.everyone().to_owned(),
        (true, true) => "nobody".to_owned(),
    };
    let whole = rule.actions.iter().filter(|(_, columns)| entity.is_none() || columns.is_empty());
    let whole: Vec<&str> = whole.map(|(action, _)| text::verb(*action)).collect();
    let word = if rule.forbid { "or" } else { "and" };
    let mut phrases = Vec::new();
    if !whole.is_empty() {
        phrases.push(format!("{} rows", text::join(&whole, word)));
    }
    for (action, columns) in rule.actions.iter().filter(|(_, columns)| !columns.is_empty()) {
        if let Some(entity) = entity {
            phrases.push(match rule.forbid {
                true if *action == RuleAction::Insert => {
                    format!("set {} in a new row", book.columns(entity, columns))
                }
                true => format!("{} {}", text::verb(*action), book.columns(entity, columns)),
                false => format!("{} rows (only {})", text::verb(*action), book.columns(entity, columns)),
            });
        }
    }
    let may = match (rule.forbid, rule.roles.is_empty()) {
        (false, _) | (true, true) => "may",
        (true, false) => "may not",
    };
    let mut out = format!("{}: {who} {may} {}", text::code(&rule.name), text::join(&phrases, word));
    if let Some(when) = &rule.when {
        let word = if lets_pass(rule) { "unless" } else { "where" };
        let _ = write!(out, " {word} {}", text::code(&when.text));
    }
    if let Some(check) = &rule.check {
        let _ = write!(out, "; a row that is written must satisfy {}", text::code(&check.text));
    }
    out.push('.');
    if let Some(doc) = &rule.doc {
        let _ = write!(out, " {}", text::sentence(doc));
    }
    out
}
