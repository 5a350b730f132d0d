//! Bodies of functions and triggers: what they need, and what is wrong in them; and objects that need each other.

use super::collect::Decls;
use super::conflicts::Pending;
use super::environment::Known;
use super::expand::Expanded;
use super::items::object;
use super::project::{Project, Seen};
use crate::formula::AsIs;
use crate::types::*;
use crate::typing::Place;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_analysis::{Analysis, Body, Finding, Gives, Language, Problem, Returned, Row, Rows, Target};
use specc_catalog::Qualified as Name;
use specc_diag::{Code, Diagnostic, Span, codes};
use specc_syntax::ast::{self, MemberKind};

/// The rows that the triggers of each function give it.
pub(crate) type Triggered = FxHashMap<Qualified, Rows>;

/// Looks through all triggers.
pub(crate) fn triggered(
    project: &Project<'_>,
    decls: &Decls<'_>,
    model: &Model,
    expanded: &[Expanded<'_>],
) -> Triggered {
    let mut found = Triggered::default();
    let mut add = |d: &ast::TriggerDecl, on: Name| {
        if let ast::TriggerAction::Execute { function, .. } = &d.action {
            let rows = found.entry(project.qualified(function)).or_default();
            let tables = d.old_table.iter().chain(&d.new_table);
            rows.transitions.extend(tables.map(|name| (name.text.clone(), on.clone())));
            if !rows.relations.contains(&on) {
                rows.relations.push(on);
            }
        }
    };
    for (entity, members) in model.entities.iter().zip(expanded) {
        for member in &members.members {
            if let MemberKind::Trigger(d) = &member.member.kind {
                add(d, Name::new(entity.name.schema.clone(), entity.name.name.clone()));
            }
        }
    }
    for (_, d) in &decls.triggers {
        if let Some(on) = &d.on {
            let on = project.qualified(on);
            add(d, Name::new(on.schema, on.name));
        }
    }
    // A block of SQL may make more triggers.
    found.retain(|function, _| !model.sql_blocks.iter().any(|block| block.up.contains(function.name.as_str())));
    found
}

/// What a function needs.
#[derive(Default)]
pub(crate) struct Needs {
    /// What has to be there when it is made.
    pub depends: Vec<Object>,
    /// What a call means among several functions of its name, where that cannot be told.
    pub maybe: Vec<Object>,
    /// The entities whose rows it looks for.
    pub reads: Vec<EntityId>,
    /// The views that it looks into.
    pub views: Vec<usize>,
    /// The columns that it gives values to.
    pub writes: Vec<(EntityId, FieldIx)>,
    /// What it does to rows.
    pub deeds: Deeds,
    /// A statement changes rows, locks them, or takes a number of a sequence.
    pub acts: bool,
    /// The functions that it calls.
    pub calls: Vec<usize>,
    /// It throws an error somewhere, or that is not known.
    pub raises: bool,
    /// Where it names functions that say who is asking, and which.
    pub session: Vec<(usize, usize, SmolStr)>,
    /// What it returns, where it is in PL/pgSQL and does nothing else.
    pub only: Option<Returned>,
    /// Keys that its `on conflict` names.
    pub conflicts: Vec<Pending>,
}

/// What a function needs; findings in its body go to `out`.
pub(crate) fn function_needs(
    project: &Project<'_>,
    model: &Model,
    triggered: &Triggered,
    d: &ast::FunctionDecl,
    at: usize,
    out: &mut Vec<Diagnostic>,
) -> Needs {
    let f = &model.functions[at];
    let mut depends: Vec<Object> = d.depends.iter().filter_map(|name| object(project, None, name, out)).collect();
    let entity = |object: &Object| match object {
        Object::Entity(id) => Some(*id),
        _ => None,
    };
    let mut reads: Vec<EntityId> = depends.iter().filter_map(entity).collect();
    let language = match &*f.language {
        "sql" => Some(Language::Sql),
        "plpgsql" => Some(Language::Plpgsql),
        _ => None,
    };
    let (mut conflicts, mut maybe, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut raises, mut only, mut session) = (true, None, Vec::new());
    let (mut acts, mut calls, mut views) = (false, Vec::new(), Vec::new());
    let mut deeds = Deeds { unread: language.is_none(), ..Deeds::default() };
    if language == Some(Language::Sql) && begins_plpgsql(&d.body.text) {
        let message = "a body that begins with `begin` or `declare` is PL/pgSQL, and this function is in SQL";
        let help = format!("write `language plpgsql` before `as $$` of `{}`", d.name.name.text);
        out.push(Diagnostic::new(codes::BAD_FUNCTION, d.name.span(), message).help(help));
    } else if let Some(language) = language {
        let known = Known::new(project, model);
        let trigger = matches!(&f.returns, Some(Returns::Pseudo(word)) if word == "trigger")
            .then(|| triggered.get(&f.name).cloned().unwrap_or_default());
        let returns = match &f.returns {
            Some(Returns::Type(ty)) => known.data_type_of(ty),
            _ => None,
        };
        let body = Body {
            text: &d.body.text,
            language,
            name: f.name.name.clone(),
            params: known.parameters(f),
            path: path(project, f),
            trigger,
            returns,
            gives: super::results::gives(f),
        };
        let mut found = specc_analysis::body(&known, &body);
        conflicts = super::conflicts::pending(&mut found, &d.body.text, d.body.at.0);
        writes = written(model, &found);
        raises = found.raises || found.unread || language == Language::Sql;
        only = found.only;
        acts = found.acts;
        deeds = super::deeds::of(model, &found);
        calls.extend(called(&known, &found));
        let asked = found.references.iter().filter_map(|r| match known.object(&r.target)? {
            Object::Session(name) => Some((r.start, r.end, name)),
            _ => None,
        });
        session.extend(asked);
        if found.findings.is_empty() {
            super::results::check(&known, f, &found, &d.body, d.name.span(), out);
        }
        // A column may be one of a row that it is given.
        let tables = found.references.iter().filter(|r| matches!(r.target, Target::Relation(_)));
        reads.extend(tables.filter_map(|r| entity(&known.object(&r.target)?)));
        views.extend(found.references.iter().filter_map(|r| match known.object(&r.target)? {
            Object::View(at) => Some(at),
            _ => None,
        }));
        match language {
            Language::Sql => {
                maybe = one_of_several(&known, &mut found);
                depends.extend(read(&known, found, &d.body, out));
            }
            // The rest is looked at when it runs.
            Language::Plpgsql => {
                depends.extend(made_before(&known, &found));
                report(found.findings, &d.body.text, d.body.at.0, out);
            }
        }
    }
    let mut of_type = |ty: &Type| match ty.base {
        Base::Enum(id) => depends.push(Object::Enum(id)),
        Base::Domain(id) => depends.push(Object::Domain(id)),
        Base::Composite(id) => depends.push(Object::Composite(id)),
        Base::Row(id) => depends.push(Object::Entity(id)),
        Base::Named(ref name) => {
            if let Some(object) = project.relations.get(name) {
                depends.push(object.clone());
            }
        }
        _ => {}
    };
    for param in &f.params {
        of_type(&param.ty);
    }
    match &f.returns {
        Some(Returns::Type(ty) | Returns::SetOf(ty)) => of_type(ty),
        Some(Returns::Table(columns)) => columns.iter().for_each(|(_, ty)| of_type(ty)),
        _ => {}
    }
    depends.sort();
    depends.dedup();
    if f.atomic && depends.contains(&Object::Function(at)) {
        let message = format!(
            "function `{}` is atomic and calls itself, which is not there yet when Postgres reads it",
            f.name.name
        );
        let help = "write the body as text: remove `atomic`";
        out.push(Diagnostic::new(codes::BAD_FUNCTION, d.name.span(), message).help(help));
    }
    depends.retain(|o| *o != Object::Function(at));
    reads.sort();
    reads.dedup();
    Needs { depends, maybe, reads, views, writes, deeds, acts, calls, raises, session, only, conflicts }
}

/// The functions of the spec that a text calls.
pub(super) fn called(known: &Known<'_>, found: &Analysis) -> Vec<usize> {
    let functions = found.references.iter().filter_map(|r| match known.object(&r.target)? {
        Object::Function(at) => Some(at),
        _ => None,
    });
    let mut all: Vec<usize> = functions.collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The columns of entities that a body gives values to.
fn written(model: &Model, found: &Analysis) -> Vec<(EntityId, FieldIx)> {
    let column = |target: &Target| {
        let Target::Column(of, name) = target else { return None };
        let wanted = Qualified { schema: of.schema.clone(), name: of.name.clone() };
        let id = *model.index.entities.get(&wanted)?;
        Some((id, model.entity(id).field(name)?))
    };
    found.written.iter().filter_map(column).collect()
}

/// Takes out the calls that may mean several functions.
fn one_of_several(known: &Known<'_>, found: &mut Analysis) -> Vec<Object> {
    let mut places: FxHashMap<(usize, usize), usize> = FxHashMap::default();
    let is_call = |target: &Target| matches!(target, Target::Function(..));
    let distinct: std::collections::BTreeSet<_> = found.references.iter().filter(|r| is_call(&r.target)).collect();
    for reference in distinct {
        *places.entry((reference.start, reference.end)).or_default() += 1;
    }
    let mut maybe = Vec::new();
    found.references.retain(|r| {
        let several = is_call(&r.target) && places.get(&(r.start, r.end)).is_some_and(|count| *count > 1);
        if several {
            maybe.extend(known.object(&r.target));
        }
        !several
    });
    maybe
}

/// Adds what each function may need, as far as no circle comes of it: of functions that call each other's names, some call
/// is another than it seems.
pub(crate) fn settle(needs: &mut [Needs]) {
    for at in 0..needs.len() {
        for object in std::mem::take(&mut needs[at].maybe) {
            let leads_back = match object {
                Object::Function(to) => {
                    let (mut seen, mut open) = (vec![false; needs.len()], vec![to]);
                    while let Some(next) = open.pop() {
                        if next == at || std::mem::replace(&mut seen[next], true) {
                            continue;
                        }
                        let calls = needs[next].depends.iter();
                        open.extend(calls.filter_map(|o| if let Object::Function(to) = o { Some(*to) } else { None }));
                        if open.contains(&at) {
                            break;
                        }
                    }
                    to == at || open.contains(&at)
                }
                _ => false,
            };
            if !leads_back && !needs[at].depends.contains(&object) {
                needs[at].depends.push(object);
            }
        }
        needs[at].depends.sort();
    }
}

/// What statements of SQL that run by themselves need; findings in them go to `out`.
pub(crate) fn statements(
    project: &Project<'_>,
    model: &Model,
    written: &ast::SqlBody,
    out: &mut Vec<Diagnostic>,
) -> Vec<Object> {
    let known = Known::new(project, model);
    let body = Body {
        text: &written.text,
        language: Language::Sql,
        name: SmolStr::default(),
        params: Vec::new(),
        path: None,
        trigger: None,
        returns: None,
        gives: Gives::Unknown,
    };
    let mut found = specc_analysis::body(&known, &body);
    super::conflicts::check(project, model, super::conflicts::pending(&mut found, &written.text, written.at.0), out);
    read(&known, found, written, out)
}

/// What a text of SQL needs; one that cannot be read is reported instead of what may be wrong in it.
fn read(known: &Known<'_>, found: Analysis, written: &ast::SqlBody, out: &mut Vec<Diagnostic>) -> Vec<Object> {
    let problem = if found.unread { specc_expr::parse_statements(&written.text, written.at.0).err() } else { None };
    match problem {
        Some(problem) if !specc_expr::is_beyond(&written.text) => out.push(problem),
        _ => report(found.findings, &written.text, written.at.0, out),
    }
    let mut objects: Vec<Object> =
        found.references.iter().filter_map(|reference| known.object(&reference.target)).collect();
    objects.sort();
    objects.dedup();
    objects
}

/// What `sql $$ … $$` names, over `rows`; findings in it go to `out`.
pub(crate) fn as_is(
    project: &Project<'_>,
    model: &Model,
    rows: &[(SmolStr, EntityId)],
    place: Place,
    raw: &ast::RawExpr,
    sql: &mut AsIs,
    out: &mut Vec<Diagnostic>,
) {
    if let Some(open) = specc_split::Lexer::new(&sql.text).find_map(Result::err) {
        let message = format!("a {} in this SQL has no end", open.what);
        out.push(Diagnostic::new(codes::BAD_SQL, raw.at.0, message).help("end it with what it begins with"));
        return;
    }
    let known = Known::new(project, model);
    let relation = |entity: EntityId| {
        let name = &model.entity(entity).name;
        Name::new(name.schema.clone(), name.name.clone())
    };
    let row = |(name, entity): &(SmolStr, EntityId)| Row {
        name: name.clone(),
        relation: relation(*entity),
        named_only: place == Place::TriggerWhen,
    };
    let rows: Vec<Row> = rows.iter().map(row).collect();
    let found = specc_analysis::expression(&known, &sql.text, &rows);
    let own = |name: &Name| rows.iter().any(|row| row.relation == *name);
    for reference in &found.references {
        let entity = |name: &Name| match known.object(&Target::Relation(name.clone())) {
            Some(Object::Entity(id)) => Some(id),
            _ => None,
        };
        match &reference.target {
            Target::Column(of, column) if own(of) => {
                let field = entity(of).and_then(|id| Some((id, model.field(id, column)?)));
                sql.columns.extend(field);
            }
            Target::Columns(of) if own(of) => {
                let all =
                    entity(of).into_iter().flat_map(|id| (0..model.entity(id).fields.len()).map(move |at| (id, at)));
                sql.columns.extend(all);
            }
            Target::Relation(of) if own(of) => {}
            target => sql.objects.extend(known.object(target)),
        }
    }
    sql.columns.sort();
    sql.columns.dedup();
    sql.objects.sort();
    sql.objects.dedup();
    // A predicate in SQL is about whatever row it is used for, and the check of a domain about a value.
    if matches!(place, Place::Predicate | Place::DomainCheck) {
        return;
    }
    let before = specc_expr::as_is_text(&raw.text).map_or(0, |(start, _)| start);
    let moved = |f: Finding| Finding { start: f.start + before, end: f.end + before, ..f };
    report(found.findings.into_iter().map(moved).collect(), &raw.text, raw.at.0, out);
}

/// What a body in PL/pgSQL declares variables of, and the functions that say who is asking among what it calls.
fn made_before(known: &Known<'_>, found: &Analysis) -> Vec<Object> {
    let objects = found.references.iter().filter_map(|reference| known.object(&reference.target));
    let session = objects.filter(|object| matches!(object, Object::Session(_)));
    let mut all: Vec<Object> = session.chain(found.declared.iter().filter_map(|target| known.object(target))).collect();
    all.sort();
    all.dedup();
    all
}

/// The `search_path` that a function has of its own.
fn path(project: &Project<'_>, f: &Function) -> Option<Vec<SmolStr>> {
    let Some(setting) = f.settings.iter().find(|setting| setting.name.text == "search_path") else {
        return (project.options.derive && f.security_definer).then(Vec::new);
    };
    let names =
        if setting.quoted { vec![setting.value.to_string()] } else { specc_facts::listed_names(&setting.value) };
    Some(names.into_iter().filter(|name| !name.is_empty() && !name.starts_with("pg_")).map(SmolStr::new).collect())
}

/// What is wrong in the body of a trigger's own function; gives the functions that say who is asking, as far as it calls
/// them.
pub(crate) fn trigger_body(
    project: &Project<'_>,
    model: &Model,
    on: &Qualified,
    d: &ast::TriggerDecl,
    pending: &mut Vec<Pending>,
    out: &mut Vec<Diagnostic>,
) -> (Vec<Object>, Vec<(EntityId, FieldIx)>, bool) {
    let ast::TriggerAction::Body(text) = &d.action else { return Default::default() };
    let known = Known::new(project, model);
    let table = Name::new(on.schema.clone(), on.name.clone());
    let transitions = d.old_table.iter().chain(&d.new_table).map(|name| (name.text.clone(), table.clone())).collect();
    let mut path = vec![on.schema.clone()];
    path.extend(specc_analysis::Environment::path(&known).iter().cloned());
    path.dedup();
    let body = Body {
        text: &text.text,
        language: Language::Plpgsql,
        name: SmolStr::default(),
        params: Vec::new(),
        path: Some(path),
        trigger: Some(Rows { relations: vec![table], transitions }),
        returns: None,
        gives: Gives::Trigger,
    };
    let mut found = specc_analysis::body(&known, &body);
    pending.extend(super::conflicts::pending(&mut found, &text.text, text.at.0));
    let (writes, raises) = (written(model, &found), found.raises || found.unread);
    let needed = made_before(&known, &found);
    report(found.findings, &text.text, text.at.0, out);
    (needed, writes, raises)
}

/// Findings in a text that stands `at`.
pub(crate) fn report(findings: Vec<Finding>, text: &str, at: Span, out: &mut Vec<Diagnostic>) {
    for finding in findings {
        let span = at.part_of(text, finding.start, finding.end);
        let help = finding.help.or_else(|| way_out(finding.problem).map(str::to_owned));
        out.push(Diagnostic::new(code(finding.problem), span, finding.message).maybe_help(help));
    }
}

/// What to do where nothing is like the name.
fn way_out(problem: Problem) -> Option<&'static str> {
    Some(match problem {
        Problem::UnknownRelation => "declare it with `entity` or `view`, or name it in a `sql` block",
        Problem::UnknownFunction => "declare it with `function`, or name it in a `sql` block",
        Problem::UnknownType => "declare it with `enum`, `domain` or `composite`, or name it in a `sql` block",
        Problem::UnknownVariable => "declare it before `begin`, or as a parameter",
        Problem::UnknownColumn => "write one of the columns, or declare the field",
        Problem::RowKey => "write the name of a column",
        _ => return None,
    })
}

fn code(problem: Problem) -> Code {
    match problem {
        Problem::UnknownRelation => codes::UNKNOWN_OBJECT,
        Problem::UnknownColumn => codes::UNKNOWN_FIELD,
        Problem::UnknownFunction => codes::UNKNOWN_FUNCTION,
        Problem::UnknownType => codes::UNKNOWN_TYPE,
        Problem::UnknownLabel => codes::UNKNOWN_LABEL,
        Problem::UnknownVariable => codes::UNKNOWN_VARIABLE,
        Problem::Ambiguous => codes::AMBIGUOUS,
        Problem::WrongArguments => codes::WRONG_ARGUMENTS,
        Problem::WrongCount => codes::WRONG_COUNT,
        Problem::Ungrouped => codes::UNGROUPED,
        Problem::Conflict => codes::CONFLICT_KEY,
        Problem::Order => codes::DISTINCT_ORDER,
        Problem::Syntax => codes::BAD_SQL,
        Problem::WrongReturn => codes::BAD_FUNCTION,
        Problem::UnknownCondition => codes::UNKNOWN_CONDITION,
        Problem::Twice => codes::DUPLICATE_NAME,
        Problem::SameColumn => codes::SAME_ROW,
        Problem::NotHere => codes::NOT_ALLOWED_HERE,
        Problem::Types => codes::TYPE_MISMATCH,
        Problem::Computed => codes::COMPUTED_COLUMN,
        Problem::Setting => codes::BAD_SETTING,
        Problem::UnknownWord => codes::UNKNOWN_WORD,
        Problem::Unkept => codes::BAD_VIEW,
        Problem::RowKey => codes::ROW_KEY,
        Problem::Character => codes::BAD_CHARACTER,
        Problem::UnknownSchema => codes::UNKNOWN_SCHEMA,
    }
}

/// Objects that need each other: no order of creation exists.
pub(crate) fn cycles(project: &Project<'_>, model: &Model, out: &mut Vec<Diagnostic>) {
    let mut edges: FxHashMap<Object, &[Object]> = FxHashMap::default();
    let mut places: Vec<(Object, String, Span)> = Vec::new();
    for (at, view) in model.views.iter().enumerate() {
        edges.insert(Object::View(at), &view.depends);
        places.push((Object::View(at), project.spell(&view.name), view.meta.span));
    }
    for (at, function) in model.functions.iter().enumerate() {
        edges.insert(Object::Function(at), &function.depends);
        places.push((Object::Function(at), project.spell(&function.name), function.meta.span));
    }
    for (at, block) in model.sql_blocks.iter().enumerate() {
        edges.insert(Object::Sql(at), &block.depends);
        places.push((Object::Sql(at), block.name.to_string(), block.meta.span));
    }
    let name_of: FxHashMap<Object, usize> = places.iter().enumerate().map(|(at, p)| (p.0.clone(), at)).collect();
    let mut reported: Seen<Object> = Seen::new();
    for (start, name, span) in &places {
        if reported.get(start).is_some() {
            continue;
        }
        // breadth first, so that the circle shown is a short one
        let mut from: FxHashMap<Object, Object> = FxHashMap::default();
        let mut open = std::collections::VecDeque::from([start.clone()]);
        while let Some(object) = open.pop_front() {
            for next in edges.get(&object).copied().unwrap_or_default() {
                if next == start {
                    let mut circle = vec![object.clone()];
                    while let Some(before) = from.get(&circle[circle.len() - 1]) {
                        circle.push(before.clone());
                    }
                    circle.reverse();
                    let mut nothing = Vec::new();
                    for member in &circle {
                        reported.add(member.clone(), *span, codes::DEPENDENCY_CYCLE, Default::default, &mut nothing);
                    }
                    let mut names: Vec<&str> =
                        circle.iter().filter_map(|o| name_of.get(o)).map(|at| places[*at].1.as_str()).collect();
                    names.push(name);
                    let message = format!("`{name}` needs itself: {}", names.join(" → "));
                    let mut finding = Diagnostic::new(codes::DEPENDENCY_CYCLE, *span, message);
                    for other in circle.iter().skip(1).filter_map(|o| name_of.get(o)) {
                        finding = finding.also(places[*other].2, "in the circle");
                    }
                    let help = "write one of them in plpgsql, which looks up names when it runs, or merge two of them";
                    out.push(finding.help(help));
                    open.clear();
                    break;
                }
                if edges.contains_key(next) && next != start && !from.contains_key(next) {
                    from.insert(next.clone(), object.clone());
                    open.push_back(next.clone());
                }
            }
        }
    }
}

/// Whether a body begins as one of PL/pgSQL does, and none of SQL.
fn begins_plpgsql(text: &str) -> bool {
    let mut tokens = specc_split::Lexer::new(text).map_while(Result::ok);
    let first = tokens.next();
    let atomic = tokens.next().is_some_and(|token| token.is(text, "atomic"));
    first.is_some_and(|token| token.is(text, "declare") || (token.is(text, "begin") && !atomic))
}
