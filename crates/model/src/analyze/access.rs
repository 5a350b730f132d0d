//! Who may do what: rules, roles and grants.

use super::exprs::Exprs;
use super::fields::unknown_field;
use super::project::{Project, check_name, show};
use crate::effective;
use crate::formula::Node;
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::conventional_name;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_syntax::ast::{self, PolicyAction, PolicyRule};

/// `select`, `insert`, `update`, `delete` in this order, `all` as the four.
pub(crate) fn actions(
    model: &Model,
    entity: EntityId,
    written: &[PolicyAction],
    out: &mut Vec<Diagnostic>,
) -> (Vec<(RuleAction, Vec<FieldIx>)>, bool) {
    let mut list: Vec<(RuleAction, Vec<FieldIx>)> = Vec::new();
    let mut all = false;
    for action in written {
        let mut columns = Vec::new();
        for column in &action.columns {
            match model.field(entity, &column.text) {
                Some(at) => columns.push(at),
                None => out.push(unknown_field(model.entity(entity), &column.text, column.at.0)),
            }
        }
        let kind = match &*action.action.text {
            "select" => RuleAction::Select,
            "insert" => RuleAction::Insert,
            "update" => RuleAction::Update,
            "delete" => RuleAction::Delete,
            _ => {
                all = true;
                for kind in [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete] {
                    list.push((kind, columns.clone()));
                }
                if let Some(first) = action.columns.first() {
                    let message = "`all` takes no columns";
                    let help = "name the actions: `select, insert (…), update (…)`";
                    out.push(Diagnostic::new(codes::POLICY_COLUMNS, first.at.0, message).help(help));
                }
                continue;
            }
        };
        if kind == RuleAction::Delete
            && let Some(first) = action.columns.first()
        {
            let message = "a delete removes whole rows, so it takes no columns";
            let help = "remove the columns after `delete`";
            out.push(Diagnostic::new(codes::POLICY_COLUMNS, first.at.0, message).help(help));
            columns.clear();
        }
        list.push((kind, columns));
    }
    list.sort_by_key(|(kind, _)| *kind);
    list.dedup_by(|b, a| {
        let same = a.0 == b.0;
        if same {
            a.1.extend(b.1.iter().copied());
        }
        same
    });
    (list, all)
}

/// One rule over the rows of `entity`.
pub(crate) fn rule(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    entity: EntityId,
    r: &PolicyRule,
    out: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    check_name(&r.name, out);
    let (actions, all) = actions(exprs.model, entity, &r.actions, out);
    let columns_at = columns_at(exprs.model, entity, &r.actions);
    let roles = project.roles(&r.roles, out);
    let scope = Scope::of(entity);
    let when = r.when.as_ref().map(|raw| {
        user_claims(raw, out);
        exprs.get(raw, &scope, Expect::condition(Place::Policy), out)
    });
    let check = r.check.as_ref().map(|raw| {
        user_claims(raw, out);
        exprs.get(raw, &scope, Expect::condition(Place::Policy), out)
    });
    if r.exact {
        exact_clauses(r, out);
    }
    let writes = actions.iter().any(|(a, _)| matches!(a, RuleAction::Insert | RuleAction::Update));
    let reads = actions.iter().any(|(a, _)| *a != RuleAction::Insert);
    if let (Some(raw), false) = (&r.check, writes) {
        let (old, new) = clauses(r);
        let message = format!("`{new}` looks at new rows, and this rule has none");
        let help = format!("write the condition with `{old}`");
        out.push(Diagnostic::new(codes::POLICY_CLAUSE, raw.at.0, message).help(help));
    } else if let (Some(raw), true, false) = (&r.when, r.check.is_some() || r.exact, reads) {
        let (old, new) = clauses(r);
        let message = format!("`{old}` looks at old rows, and an insert has none");
        let help = match r.exact {
            true => format!("write the condition with `{new}`"),
            false => "keep one condition for the new row".to_owned(),
        };
        out.push(Diagnostic::new(codes::POLICY_CLAUSE, raw.at.0, message).help(help));
    }
    // a condition with a finding must not widen what is allowed
    if matches!(when, Some(None)) || matches!(check, Some(None)) {
        return None;
    }
    Some(Rule {
        name: r.name.text.clone(),
        doc: r.doc.clone(),
        forbid: r.forbid,
        actions,
        columns_at,
        all,
        roles,
        when: when.flatten(),
        unless: r.unless,
        check: check.flatten(),
        exact: r.exact,
        was: r.was.as_ref().map(|w| w.text.clone()),
        span: r.name.at.0,
        written: r.at.0,
    })
}

/// The words for old rows and for new ones.
fn clauses(r: &PolicyRule) -> (&'static str, &'static str) {
    if r.exact { ("using", "with check") } else { ("when", "check") }
}

/// A policy taken as it is grants nothing, so it has no columns, and is for one action or for all.
fn exact_clauses(r: &PolicyRule, out: &mut Vec<Diagnostic>) {
    let mut bad = |span, message: &str, help: &str| {
        out.push(Diagnostic::new(codes::POLICY_CLAUSE, span, message).help(help));
    };
    if let Some(column) = r.actions.iter().find_map(|a| a.columns.first()) {
        let help = "grant the columns: `grant update (title) on … to …`";
        bad(column.at.0, "a rule with `using` is one policy, which has no columns", help);
    }
    if let [_, second, ..] = r.actions.as_slice() {
        let help = "write a rule for each action, or `all`";
        bad(second.action.at.0, "a rule with `using` is one policy, for one action or for all", help);
    }
}

/// The columns of inserts and updates, with their places.
fn columns_at(model: &Model, entity: EntityId, written: &[PolicyAction]) -> Vec<(RuleAction, FieldIx, Span)> {
    let mut list = Vec::new();
    for action in written {
        let kind = match &*action.action.text {
            "insert" => RuleAction::Insert,
            "update" => RuleAction::Update,
            _ => continue,
        };
        let columns = action.columns.iter().filter_map(|c| Some((kind, model.field(entity, &c.text)?, c.at.0)));
        list.extend(columns);
    }
    list
}

/// Columns that a rule gives to users although something else sets them.
fn kept_columns(entity: &Entity, rule: &Rule, out: &mut Vec<Diagnostic>) {
    for (action, at, span) in rule.columns_at.iter().filter(|_| !rule.forbid) {
        let field = &entity.fields[*at];
        let name = &field.name;
        let searched = entity.searches.iter().any(|s| s.field == *at);
        let forbids = |r: &&Rule| r.roles.is_empty() && effective::always_forbids(r, *action, *at);
        let (code, why) = if field.maintained.is_some() {
            (codes::POLICY_COLUMNS, "is counted by triggers, so nobody writes it".to_owned())
        } else if field.generated.is_some() || searched {
            (codes::POLICY_COLUMNS, "is generated, so nobody writes it".to_owned())
        } else if field.identity.as_ref().is_some_and(|identity| identity.0) {
            (codes::POLICY_COLUMNS, "is an identity, which Postgres counts by itself".to_owned())
        } else if let Some(rule) = entity.rules.iter().find(forbids) {
            (codes::KEPT_COLUMN, format!("is closed to everyone by rule `{}`", rule.name))
        } else {
            continue;
        };
        let found = Diagnostic::new(code, *span, format!("`{name}` {why}")).help("remove it from the list");
        out.push(found.also(field.meta.span, "declared here"));
    }
}

/// Which columns are seen cannot depend on the row: the rules of a role have to show the same ones.
fn select_columns(model: &Model, entity: &Entity, out: &mut Vec<Diagnostic>) {
    let help = "give both rules the same columns, or show the rest in a view or an entity of its own";
    for (rule, other) in effective::unequal_selects(model, entity) {
        let message = format!("rules `{}` and `{}` show one role different columns", other.name, rule.name);
        let found = Diagnostic::new(codes::SELECT_COLUMNS, rule.span, message).label("these columns");
        out.push(found.also(other.span, "and others here").help(help));
    }
    for rule in entity.rules.iter().filter(|rule| rule.forbid && rule.when.is_some()) {
        if rule.actions.iter().any(|(action, columns)| *action == RuleAction::Select && !columns.is_empty()) {
            let message = format!("rule `{}` hides columns of some rows", rule.name);
            out.push(Diagnostic::new(codes::SELECT_COLUMNS, rule.span, message).help(help));
        }
    }
}

/// Claims that users write themselves prove nothing.
pub(crate) fn user_claims(raw: &ast::RawExpr, out: &mut Vec<Diagnostic>) {
    for word in ["raw_user_meta_data", "user_metadata"] {
        let Some(at) = raw.text.find(word) else { continue };
        let before = raw.text[..at].trim_end_matches(['\'', '"']).trim_end();
        let is_claim = word == "raw_user_meta_data"
            || before.ends_with("claims.")
            || before.ends_with("->")
            || before.ends_with("->>");
        if is_claim {
            let message = format!("`{word}` is written by the user");
            let help = "use `claims.app_metadata`, which only the server writes, or a column of an entity of yours";
            let span = raw.at.0.part_of(&raw.text, at, at + word.len());
            out.push(Diagnostic::new(codes::USER_EDITABLE_CLAIM, span, message).help(help));
            return;
        }
    }
}

/// Privileges that pass by the rules of a table.
pub(crate) fn unbound_grants(model: &Model, out: &mut Vec<Diagnostic>) {
    for grant in &model.grants {
        let Object::Entity(id) = grant.object else { continue };
        let entity = model.entity(id);
        let guarded = entity.rls != Rls::Off && !entity.rules.is_empty();
        if let Some(role) = effective::truncating(model, grant).next().filter(|_| guarded) {
            let message = format!("`{role}` may truncate `{}`, whatever its rules say", entity.name.name);
            let help = "grant by name what the role needs, and let it delete rows by a rule: `allow delete`";
            out.push(Diagnostic::new(codes::TRUNCATE_GRANT, grant.span, message).help(help));
        }
    }
}

/// Rules of one entity from everywhere: names are unique, something is allowed, writes are not open to everyone.
pub(crate) fn check_rules(model: &Model, area_std: impl Fn(&Entity) -> bool, out: &mut Vec<Diagnostic>) {
    for entity in &model.entities {
        duplicates(&entity.rules, &entity.name.name, out);
        for rule in &entity.rules {
            kept_columns(entity, rule, out);
            open_write(rule, &entity.rules, out);
            session_per_row(rule, out);
            unseen_rows(model, entity, rule, out);
        }
        select_columns(model, entity, out);
        if entity.external || entity.rls == Rls::Off || area_std(entity) {
            continue;
        }
        let speaks_of_rows = |r: &&Rule| !r.forbid || r.actions.iter().any(|(_, columns)| columns.is_empty());
        let Some(first) = entity.rules.iter().find(speaks_of_rows) else {
            let message = format!("no policy opens `{}`", entity.name.name);
            let help = format!(
                "add `policy on {} {{ … allow select when … }}`; a table that is meant to be closed needs nothing",
                entity.name.name
            );
            out.push(Diagnostic::new(codes::CLOSED_ENTITY, entity.meta.span, message).help(help));
            continue;
        };
        if entity.rules.iter().all(|r| r.forbid) {
            let message = format!("`{}` has only `forbid` rules", entity.name.name);
            let found = Diagnostic::new(codes::FORBID_ONLY, entity.meta.span, message);
            let help = format!("add an `allow` rule in `policy on {} {{ … }}`", entity.name.name);
            out.push(found.also(first.span, "narrows, and nothing is allowed").help(help));
        }
    }
    for bucket in &model.buckets {
        duplicates(&bucket.rules, &bucket.name, out);
        for rule in &bucket.rules {
            open_write(rule, &bucket.rules, out);
        }
    }
}

/// Functions of the session in a condition, which are called for each row; what is in a query is not.
fn session_per_row(rule: &Rule, out: &mut Vec<Diagnostic>) {
    if rule.exact {
        return;
    }
    for expr in [&rule.when, &rule.check].into_iter().flatten() {
        let mut rest = vec![&expr.formula];
        while let Some(formula) = rest.pop() {
            if matches!(&formula.node, Node::Sql(sql) if sql.query) {
                continue;
            }
            if let Node::Call(call) = &formula.node
                && call.function.schema == "auth"
            {
                let help = match call.function.name.as_str() {
                    "uid" => "write `viewer`",
                    "jwt" => "write `claims.` and the name of the claim",
                    "role" => "write `claims.role`",
                    "email" => "write `claims.email`",
                    _ => continue,
                };
                let message = format!("`auth.{}()` is called for each row", call.function.name);
                out.push(Diagnostic::new(codes::SESSION_PER_ROW, formula.span, message).help(help));
            }
            rest.extend(formula.parts());
        }
    }
}

/// A rule that lets somebody change rows whom none lets read any.
fn unseen_rows(model: &Model, entity: &Entity, rule: &Rule, out: &mut Vec<Diagnostic>) {
    let does = |rule: &Rule, wanted: RuleAction| rule.actions.iter().any(|(action, _)| *action == wanted);
    let word = match () {
        () if does(rule, RuleAction::Update) => "update",
        () if does(rule, RuleAction::Delete) => "delete",
        () => return,
    };
    let for_some = |other: &Rule| {
        other.roles.is_empty() || rule.roles.is_empty() || other.roles.iter().any(|role| rule.roles.contains(role))
    };
    let read = entity.rules.iter().any(|other| !other.forbid && does(other, RuleAction::Select) && for_some(other));
    // what is granted by hand, or comes by way of another role, is not looked at
    let by_hand = !model.grants.is_empty() || rule.roles.iter().any(|role| is_member(model, role));
    if rule.forbid || rule.exact || read || by_hand || entity.rls == Rls::Off {
        return;
    }
    let who = if rule.roles.is_empty() { "everyone".to_owned() } else { format!("`{}`", rule.roles.join("`, `")) };
    let message = format!("rule `{}` lets {who} {word} rows that no rule lets them see", rule.name);
    let help = format!("let them read the rows, too: `allow select, {word} … when …`");
    out.push(Diagnostic::new(codes::UNSEEN_ROWS, rule.span, message).help(help));
}

fn is_member(model: &Model, role: &str) -> bool {
    model.roles.iter().any(|other| other.name == role && !other.member_of.is_empty())
}

fn duplicates(rules: &[Rule], owner: &str, out: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<&SmolStr, Span> = FxHashMap::default();
    for rule in rules {
        match seen.entry(&rule.name) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(rule.span);
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let message = format!("rule `{}` of `{owner}` is declared twice", rule.name);
                let found = Diagnostic::new(codes::DUPLICATE_RULE, rule.span, message).label("again here");
                out.push(found.also(*first.get(), "first here").help("rename one of the two"));
            }
        }
    }
}

/// A write that everyone who reaches the database may do, on every row.
fn open_write(rule: &Rule, all: &[Rule], out: &mut Vec<Diagnostic>) {
    let is_true = |e: &Option<ExprRef>| e.as_ref().is_none_or(|e| e.text.trim().eq_ignore_ascii_case("true"));
    if rule.forbid || !is_true(&rule.when) || !is_true(&rule.check) {
        return;
    }
    let anonymous = rule.roles.is_empty() || rule.roles.iter().any(|r| r == "anon" || r == "public");
    let signed_in = anonymous || rule.roles.iter().any(|r| r == "authenticated");
    let open = rule.actions.iter().map(|(a, _)| *a).find(|action| {
        let narrowed = all.iter().any(|r| r.forbid && r.actions.iter().any(|(a, c)| a == action && c.is_empty()));
        !narrowed
            && match action {
                RuleAction::Select => false,
                RuleAction::Insert => anonymous,
                RuleAction::Update | RuleAction::Delete => signed_in,
            }
    });
    if let Some(action) = open {
        let word = match action {
            RuleAction::Insert => "insert",
            RuleAction::Update => "update",
            _ => "delete",
        };
        let who = if anonymous { "everyone" } else { "everyone who is signed in" };
        let message = format!("rule `{}` lets {who} {word} any row", rule.name);
        out.push(
            Diagnostic::new(codes::ALWAYS_TRUE, rule.span, message).help("add a condition: `when owner_id = viewer`"),
        );
    }
}

/// Roles, with the roles that they are members of.
pub(crate) fn role(project: &Project<'_>, doc: &ast::Doc, d: &ast::RoleDecl, out: &mut Vec<Diagnostic>) -> Role {
    const OPTIONS: &[&str] = &[
        "login",
        "nologin",
        "bypassrls",
        "nobypassrls",
        "inherit",
        "noinherit",
        "createdb",
        "nocreatedb",
        "createrole",
        "nocreaterole",
        "replication",
        "noreplication",
        "superuser",
        "nosuperuser",
    ];
    for option in &d.options {
        if !OPTIONS.contains(&&*option.text) {
            let message = format!("unknown role option `{}`", option.text);
            let help = match nearest(&option.text, OPTIONS.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "options are `login`, `bypassrls`, `noinherit`, `createdb`, `createrole`, `replication`".to_owned()
                }
            };
            out.push(Diagnostic::new(codes::BAD_GRANT, option.at.0, message).help(help));
        }
    }
    Role {
        meta: project.meta(doc, &d.name, d.was.as_ref()),
        name: d.name.text.clone(),
        external: d.external,
        options: d.options.iter().map(|o| o.text.clone()).collect(),
        member_of: project.roles(&d.member_of, out),
    }
}

/// The sequences that identity columns make, under the names that Postgres gives them.
pub(crate) fn identity_sequences(model: &Model) -> FxHashMap<Qualified, (EntityId, usize)> {
    let mut all = FxHashMap::default();
    for entity in &model.entities {
        for (at, field) in entity.fields.iter().enumerate().filter(|(_, field)| field.identity.is_some()) {
            let name = conventional_name(&entity.name.name, Some(&field.name), "seq");
            all.insert(Qualified { schema: entity.name.schema.clone(), name }, (entity.id, at));
        }
    }
    all
}

/// A grant or revoke.
pub(crate) fn grant(
    project: &Project<'_>,
    model: &Model,
    made: &FxHashMap<Qualified, (EntityId, usize)>,
    d: &ast::GrantDecl,
    out: &mut Vec<Diagnostic>,
) -> Option<Grant> {
    let span = d.object.name.span();
    let roles = project.roles(&d.roles, out);
    let (object, kind) = target(project, model, made, &d.object, out)?;
    let allowed: &[&str] = match kind {
        "table" => &["select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain", "all"],
        "sequence" => &["usage", "select", "update", "all"],
        "schema" => &["usage", "create", "all"],
        "type" => &["usage", "all"],
        _ => &["execute", "all"],
    };
    let mut privileges = Vec::new();
    for privilege in &d.privileges {
        let word = privilege.action.text.to_lowercase();
        if !allowed.contains(&&*word) {
            let message = format!("a {kind} has no privilege `{}`", privilege.action.text);
            let help = match nearest(&word, allowed.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", super::fields::list(allowed)),
            };
            out.push(Diagnostic::new(codes::BAD_GRANT, privilege.action.at.0, message).help(help));
            continue;
        }
        if let (Some(first), false) = (
            privilege.columns.first(),
            kind == "table" && matches!(&*word, "select" | "insert" | "update" | "references"),
        ) {
            let message = format!("`{word}` on a {kind} takes no columns");
            out.push(Diagnostic::new(codes::BAD_GRANT, first.at.0, message).help("remove the columns"));
        }
        if let Object::Entity(id) = object {
            for column in &privilege.columns {
                if model.field(id, &column.text).is_none() {
                    out.push(unknown_field(model.entity(id), &column.text, column.at.0));
                }
            }
        }
        privileges.push((word.into(), privilege.columns.iter().map(|c| c.text.clone()).collect()));
    }
    Some(Grant { revoke: d.revoke, privileges, object, roles, grant_option: d.grant_option, span })
}

/// What a grant, or an owner, is of; and its kind.
pub(crate) fn target(
    project: &Project<'_>,
    model: &Model,
    made: &FxHashMap<Qualified, (EntityId, usize)>,
    d: &ast::Target,
    out: &mut Vec<Diagnostic>,
) -> Option<(Object, &'static str)> {
    let name = project.qualified(&d.name);
    let kind = d.kind.as_ref().map_or("", |k| k.text.as_str());
    let unknown = |what: &str, out: &mut Vec<Diagnostic>| {
        let message = format!("unknown {what} `{}`", show(&d.name));
        let help = project.suggest_relation(&d.name, |_| true).unwrap_or_else(|| format!("declare the {what} first"));
        out.push(Diagnostic::new(codes::UNKNOWN_OBJECT, d.name.span(), message).help(help));
        None
    };
    match kind {
        "schema" => {
            project.check_schema_name(&d.name.name, out);
            project.knows_schema(&d.name.name.text).then(|| (Object::Schema(d.name.name.text.clone()), "schema"))
        }
        "function" | "procedure" => {
            let list = project.functions.get(&name).map(Vec::as_slice).unwrap_or_default();
            let wanted = d
                .arg_types
                .as_ref()
                .map(|types| types.iter().map(|t| project.resolve_type(t, out)).collect::<Vec<_>>());
            let fits = |f: &Function| {
                let Some(wanted) = &wanted else { return true };
                let inputs: Vec<&Type> = inputs(f).collect();
                inputs.len() == wanted.len()
                    && inputs.iter().zip(wanted).all(|(a, b)| a.base == b.base && a.dims == b.dims)
            };
            let found: Vec<usize> = list.iter().copied().filter(|at| fits(&model.functions[*at])).collect();
            match found.as_slice() {
                [one] => Some((Object::Function(*one), "function")),
                [] => match project.provided_functions.get(&name) {
                    Some(at) => Some((Object::Sql(*at), "function")),
                    None => {
                        let spelled: Vec<String> = project.functions.keys().map(|n| project.spell(n)).collect();
                        let near = nearest(&show(&d.name), super::project::sorted(spelled.iter().map(String::as_str)));
                        let help = match (near, list.is_empty()) {
                            (_, false) => "write the types of its parameters: `name(int, text)`".to_owned(),
                            (Some(near), _) => format!("did you mean `{near}`?"),
                            _ => "declare it first".to_owned(),
                        };
                        let message = format!("unknown function `{}`", show(&d.name));
                        out.push(Diagnostic::new(codes::UNKNOWN_FUNCTION, d.name.span(), message).help(help));
                        None
                    }
                },
                [first, second, ..] => {
                    let message = format!("several functions are called `{}`", show(&d.name));
                    let found = Diagnostic::new(codes::AMBIGUOUS, d.name.span(), message)
                        .also(model.functions[*first].meta.span, "one of them")
                        .also(model.functions[*second].meta.span, "another");
                    out.push(
                        found.help(format!("write the types of its parameters: `function {}(int)`", show(&d.name))),
                    );
                    None
                }
            }
        }
        "type" | "domain" => match project.types.get(&name) {
            Some(Base::Enum(id)) => Some((Object::Enum(*id), "type")),
            Some(Base::Domain(id)) => Some((Object::Domain(*id), "type")),
            Some(Base::Composite(id)) => Some((Object::Composite(*id), "type")),
            _ => unknown("type", out),
        },
        _ => match project.relations.get(&name) {
            Some(object @ Object::Sequence(_)) => Some((object.clone(), "sequence")),
            Some(object) => Some((object.clone(), "table")),
            None => match made.get(&name) {
                Some(&(entity, field)) => Some((Object::Identity(entity, field), "sequence")),
                None => unknown(if kind == "sequence" { kind } else { "entity or view" }, out),
            },
        },
    }
}

/// Types of what a function takes.
pub(crate) fn inputs(f: &Function) -> impl Iterator<Item = &Type> {
    f.params.iter().filter(|p| p.mode != "out").map(|p| &p.ty)
}
