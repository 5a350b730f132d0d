//! Schemas, extensions, types, sequences, functions and `sql` blocks.

use super::collect::Decls;
use super::exprs::Exprs;
use super::fields::unknown_field;
use super::names::Names;
use super::project::{Project, Seen, check_name, show};
use super::typeref::plain;
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes, nearest};
use specc_split::Lexer;
use specc_syntax::ast;

/// Schemas and extensions.
pub(crate) fn spaces(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    for (item, d) in &decls.schemas {
        let meta = project.meta(&item.doc, &d.name, d.was.as_ref());
        let external = meta.area == super::library::PLATFORM;
        model.schemas.push(Schema { meta, name: d.name.text.clone(), external });
    }
    for (item, d) in &decls.extensions {
        if let Some(schema) = &d.schema {
            project.check_schema_name(schema, out);
        }
        model.extensions.push(Extension {
            meta: project.meta(&item.doc, &d.name, None),
            name: d.name.text.clone(),
            schema: d.schema.as_ref().map(|s| s.text.clone()),
            version: d.version.as_ref().map(|v| v.value.clone()),
        });
    }
}

/// Enums, domains and composites, without the domains' expressions.
pub(crate) fn types(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    for (item, d) in &decls.enums {
        project.check_schema(&d.name, out);
        let labels = labels(d, out);
        model.enums.push(Enum {
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name: project.qualified(&d.name),
            labels,
        });
    }
    for (item, d) in &decls.domains {
        project.check_schema(&d.name, out);
        model.domains.push(Domain {
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name: project.qualified(&d.name),
            base: project.resolve_type(&d.base, out),
            nullable: d.base.nullable,
            collation: d.collate.as_ref().map(|c| project.collation(c, out)),
            default: None,
            checks: Vec::new(),
        });
    }
    for (item, d) in &decls.composites {
        project.check_schema(&d.name, out);
        let mut seen: Seen<SmolStr> = Seen::new();
        let mut fields = Vec::new();
        for f in &d.fields {
            check_name(&f.name, out);
            let message = || {
                let message = format!("field `{}` is declared twice in `{}`", f.name.text, d.name.name.text);
                (message, "rename or remove one of the two".to_owned())
            };
            seen.add(f.name.text.clone(), f.name.at.0, codes::DUPLICATE_FIELD, message, out);
            if f.ty.nullable {
                let message = format!("field `{}` of a composite type is always nullable", f.name.text);
                out.push(Diagnostic::new(codes::NOT_ALLOWED_HERE, f.ty.at.0, message).help("remove the `?`"));
            }
            let ty = project.resolve_type(&f.ty, out);
            fields.push((f.name.text.clone(), ty, f.collate.as_ref().map(|c| project.collation(c, out))));
        }
        let renamed = d.fields.iter().filter_map(|f| Some((&f.name.text, f.was.as_ref()?)));
        let moved = |name: &SmolStr| renamed.clone().any(|(now, was)| now == name && was.text != *name);
        for (_, was) in renamed.clone() {
            if let Some(there) = seen.get(&was.text).filter(|_| !moved(&was.text)) {
                out.push(super::collect::still_there("field", &was.text, was.at.0, there));
            }
        }
        model.composites.push(Composite {
            renamed: renamed.map(|(now, was)| (now.clone(), was.text.clone())).collect(),
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name: project.qualified(&d.name),
            fields,
        });
    }
}

fn labels(d: &ast::EnumDecl, out: &mut Vec<Diagnostic>) -> Vec<EnumLabel> {
    if d.labels.is_empty() {
        let message = format!("enum `{}` has no labels", d.name.name.text);
        let help = format!("write them between the braces: `enum {} {{ draft, published }}`", d.name.name.text);
        out.push(Diagnostic::new(codes::EMPTY_ENUM, d.name.span(), message).help(help));
    }
    let mut seen: Seen<SmolStr> = Seen::new();
    let mut list = Vec::with_capacity(d.labels.len());
    for label in &d.labels {
        check_name(&label.label, out);
        let message =
            || (format!("label `{}` is declared twice", label.label.text), "remove one of the two".to_owned());
        if !seen.add(label.label.text.clone(), label.label.at.0, codes::DUPLICATE_LABEL, message, out) {
            continue;
        }
        list.push(EnumLabel {
            name: label.label.text.clone(),
            doc: label.doc.clone(),
            was: label.was.as_ref().map(|w| w.text.clone()),
            span: label.label.at.0,
        });
    }
    for label in &d.labels {
        let Some(was) = &label.was else { continue };
        let moved = |label: &ast::EnumLabel| {
            label.label.text == was.text && label.was.as_ref().is_some_and(|before| before.text != was.text)
        };
        if let Some(there) = seen.get(&was.text).filter(|_| !d.labels.iter().any(moved)) {
            out.push(super::collect::still_there("label", &was.text, was.at.0, there));
        }
    }
    list
}

/// Types that hold themselves: domains over domains, composites in composites, rows in composites.
pub(crate) fn type_cycles(project: &Project<'_>, model: &Model, out: &mut Vec<Diagnostic>) {
    let holds = |base: &Base| -> Vec<Base> {
        match base {
            Base::Domain(id) => vec![model.domains[id.0 as usize].base.base.clone()],
            Base::Composite(id) => model.composites[id.0 as usize].fields.iter().map(|f| f.1.base.clone()).collect(),
            Base::Row(id) => model.entity(*id).fields.iter().map(|f| f.ty.base.clone()).collect(),
            _ => Vec::new(),
        }
    };
    let starts = (0..model.domains.len() as u32)
        .map(|i| Base::Domain(DomainId(i)))
        .chain((0..model.composites.len() as u32).map(|i| Base::Composite(CompositeId(i))));
    let rows = model.entities.iter().filter(|e| e.fields.iter().any(|f| matches!(f.ty.base, Base::Row(_))));
    let mut graph: DiGraph<Base, ()> = DiGraph::new();
    let mut nodes: FxHashMap<Base, NodeIndex> = FxHashMap::default();
    let mut open: Vec<Base> = starts.chain(rows.map(|e| Base::Row(e.id))).collect();
    for base in &open {
        nodes.insert(base.clone(), graph.add_node(base.clone()));
    }
    while let Some(base) = open.pop() {
        let from = nodes[&base];
        for held in holds(&base) {
            if !matches!(held, Base::Domain(_) | Base::Composite(_) | Base::Row(_)) {
                continue;
            }
            let to = *nodes.entry(held.clone()).or_insert_with(|| {
                open.push(held.clone());
                graph.add_node(held)
            });
            graph.add_edge(from, to, ());
        }
    }
    for group in petgraph::algo::kosaraju_scc(&graph) {
        let Some(first) = group.iter().min() else { continue };
        if group.len() < 2 && !graph.contains_edge(*first, *first) {
            continue;
        }
        let (name, span) = match &graph[*first] {
            Base::Domain(id) => (&model.domains[id.0 as usize].name, model.domains[id.0 as usize].meta.span),
            Base::Composite(id) => (&model.composites[id.0 as usize].name, model.composites[id.0 as usize].meta.span),
            Base::Row(id) => (&model.entity(*id).name, model.entity(*id).meta.span),
            _ => continue,
        };
        let message = format!("type `{}` holds itself", project.spell(name));
        let help = "break the circle: refer to an entity's key, or keep the part as `jsonb`";
        out.push(Diagnostic::new(codes::TYPE_CYCLE, span, message).help(help));
    }
}

/// Sequences, when the entities that own them have fields.
pub(crate) fn sequences(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    for (item, d) in &decls.sequences {
        project.check_schema(&d.name, out);
        let ty = d.ty.as_ref().map(|ty| {
            let found = project.resolve_type(ty, out);
            let counts = match &found.base {
                Base::Builtin(name) => matches!(&**name, "smallint" | "int" | "bigint"),
                Base::Unknown => true,
                _ => false,
            };
            if !counts || found.dims > 0 {
                let message = format!("sequence `{}` counts, and this type cannot", d.name.name.text);
                out.push(
                    Diagnostic::new(codes::BAD_IDENTITY, ty.at.0, message).help("use `smallint`, `int` or `bigint`"),
                );
            }
            found
        });
        let owned_by = d.owned_by.as_ref().and_then(|(entity, field)| {
            let id = project.entity(entity, out)?;
            match model.field(id, &field.text) {
                Some(at) => Some((id, at)),
                None => {
                    out.push(unknown_field(model.entity(id), &field.text, field.at.0));
                    None
                }
            }
        });
        let counts = match ty.as_ref().map(|ty| &ty.base) {
            Some(Base::Builtin(name)) => name.as_str(),
            _ => "bigint",
        };
        super::counters::check(&d.options, counts, &format!("sequence `{}`", d.name.name.text), out);
        model.sequences.push(Sequence {
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name: project.qualified(&d.name),
            ty,
            options: d.options.clone(),
            owned_by,
        });
    }
}

/// Signatures of functions; bodies and defaults come when everything is known.
pub(crate) fn functions(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    let mut seen: Seen<(Qualified, Vec<Type>)> = Seen::new();
    for (item, d) in &decls.functions {
        project.check_schema(&d.name, out);
        let mut names: Seen<SmolStr> = Seen::new();
        let params: Vec<Param> = d
            .params
            .iter()
            .map(|p| {
                let message =
                    || (format!("parameter `{}` is declared twice", p.name.text), "rename one of the two".to_owned());
                check_name(&p.name, out);
                if !p.name.text.is_empty() {
                    names.add(p.name.text.clone(), p.name.at.0, codes::DUPLICATE_NAME, message, out);
                }
                Param {
                    mode: p.mode.as_ref().map_or_else(|| "in".into(), |m| m.text.clone()),
                    name: p.name.text.clone(),
                    ty: pseudo_or(project, &p.ty, out),
                    // Read when all functions are known; until then it is only known to be there.
                    default: p.default.as_ref().map(|_| super::unread()),
                }
            })
            .collect();
        let returns = d.returns.as_ref().map(|r| match r {
            ast::Returns::Type(ty) => match pseudo(ty) {
                Some(word) => Returns::Pseudo(word),
                None => Returns::Type(project.resolve_type(ty, out)),
            },
            ast::Returns::SetOf(ty) => Returns::SetOf(pseudo_or(project, ty, out)),
            ast::Returns::Table(columns) => {
                columns.iter().for_each(|(name, _)| check_name(name, out));
                Returns::Table(columns.iter().map(|(n, ty)| (n.text.clone(), project.resolve_type(ty, out))).collect())
            }
        });
        let language = d.language.as_ref().map_or_else(|| "sql".into(), |l| SmolStr::from(l.text.to_lowercase()));
        let found = Function {
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name: project.qualified(&d.name),
            procedure: d.procedure,
            params,
            returns,
            language,
            volatility: d.volatility.as_ref().map(|v| v.text.clone()),
            strict: d.strict,
            parallel: d.parallel.as_ref().map(|p| p.text.clone()),
            leakproof: d.leakproof,
            security_definer: d.security_definer,
            cost: d.cost.clone(),
            rows: d.rows.clone(),
            settings: d.settings.clone(),
            roles: project.roles(&d.roles, out),
            atomic: d.atomic,
            body: d.body.text.clone(),
            depends: Vec::new(),
            reads: Vec::new(),
            views: Vec::new(),
            writes: Vec::new(),
            deeds: Deeds::default(),
            acts: false,
            calls: Vec::new(),
            raises: true,
            session: Vec::new(),
            asks: None,
        };
        super::stored::settings(&d.settings, out);
        check_function(project, d, &found, out);
        let key = (found.name.clone(), super::access::inputs(&found).cloned().collect());
        let message = || {
            let message = format!("function `{}` is declared twice with the same parameters", show(&d.name));
            (message, "rename or remove one of the two".to_owned())
        };
        seen.add(key, d.name.span(), codes::DUPLICATE_NAME, message, out);
        model.functions.push(found);
    }
}

fn pseudo(ty: &ast::TypeRef) -> Option<SmolStr> {
    let name = &ty.name.name.text;
    let built_in = ty.name.schema.as_ref().is_none_or(|schema| schema.text == "pg_catalog");
    let is_pseudo = built_in && ty.dims == 0 && specc_facts::is_pseudo_type(name);
    is_pseudo.then(|| name.clone())
}

fn pseudo_or(project: &Project<'_>, ty: &ast::TypeRef, out: &mut Vec<Diagnostic>) -> Type {
    match pseudo(ty) {
        Some(word) => plain(&word),
        None => project.resolve_type(ty, out),
    }
}

fn check_function(project: &Project<'_>, d: &ast::FunctionDecl, f: &Function, out: &mut Vec<Diagnostic>) {
    let mut bad = |span, message: String, help: String| {
        out.push(Diagnostic::new(codes::BAD_FUNCTION, span, message).help(help));
    };
    if let Some(language) = &d.language
        && !specc_facts::is_language(&f.language)
        && !project.extensions.contains_key(&f.language)
    {
        let help = match nearest(&f.language, specc_facts::LANGUAGES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write `sql` or `plpgsql`, or declare `extension {}`", f.language),
        };
        bad(language.at.0, format!("unknown language `{}`", language.text), help);
    }
    if d.atomic && f.language != "sql" {
        bad(
            d.name.span(),
            format!("function `{}` is atomic and not written in sql", d.name.name.text),
            "remove `atomic`".to_owned(),
        );
    }
    let outs = d.params.iter().any(|p| p.mode.as_ref().is_some_and(|m| matches!(&*m.text, "out" | "inout")));
    let name = &d.name.name.text;
    match (&d.returns, d.procedure) {
        (Some(_), true) => bad(
            d.name.span(),
            format!("procedure `{name}` gives nothing back"),
            "remove `-> …`, or write `function`".to_owned(),
        ),
        (None, false) if !outs => {
            bad(
                d.name.span(),
                format!("function `{name}` does not say what it gives back"),
                "write `-> void` if that is nothing".to_owned(),
            );
        }
        _ => {}
    }
    if let Some(Returns::Pseudo(word)) = &f.returns
        && word == "trigger"
    {
        if !d.params.is_empty() {
            bad(
                d.params[0].name.at.0,
                format!("trigger function `{name}` has parameters"),
                "read the arguments from `tg_argv`".to_owned(),
            );
        }
        if f.language == "sql" {
            let span = d.language.as_ref().map_or(d.name.span(), |l| l.at.0);
            bad(span, format!("trigger function `{name}` is written in sql"), "write `language plpgsql`".to_owned());
        }
    }
    let mut default = false;
    for (at, p) in d.params.iter().enumerate() {
        let is_in = p.mode.as_ref().is_none_or(|m| m.text != "out");
        if default && p.default.is_none() && is_in {
            bad(
                p.name.at.0,
                format!("parameter `{}` without a default follows one with a default", p.name.text),
                "give it a default, or move it forward".to_owned(),
            );
        }
        default |= p.default.is_some();
        let digits = p.name.text.strip_prefix('$').unwrap_or_default();
        if f.language == "plpgsql" && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            bad(
                p.name.at.0,
                format!("parameter `{}` has the name of a place in the list", p.name.text),
                "give it another name: `$1` means the first parameter".to_owned(),
            );
        }
        let is_array = p.ty.dims > 0 || matches!(&*p.ty.name.name.text, "any" | "anyarray" | "anycompatiblearray");
        if p.mode.as_ref().is_some_and(|m| m.text == "variadic") && (at + 1 != d.params.len() || !is_array) {
            bad(
                p.name.at.0,
                format!("variadic parameter `{}` is the last and an array", p.name.text),
                format!("write `variadic {}: text[]` at the end", p.name.text),
            );
        }
    }
    if f.rows.is_some() && !matches!(f.returns, Some(Returns::SetOf(_) | Returns::Table(_))) {
        bad(
            d.name.span(),
            format!("`rows` is for functions that give back a set, and `{name}` does not"),
            "remove `rows`".to_owned(),
        );
    }
    for (word, number) in [("cost", &f.cost), ("rows", &f.rows)] {
        if number.as_ref().and_then(|n| n.replace('_', "").parse::<f64>().ok()).is_some_and(|n| n <= 0.0) {
            let message = format!("`{word}` of `{name}` is not above zero");
            bad(d.name.span(), message, format!("write a number above zero, or remove `{word}`"));
        }
    }
}

/// Defaults of parameters, by function.
pub(crate) fn function_defaults(
    exprs: &Exprs<'_>,
    d: &ast::FunctionDecl,
    f: &Function,
    out: &mut Vec<Diagnostic>,
) -> Vec<Option<ExprRef>> {
    let nothing = Scope::default();
    d.params
        .iter()
        .zip(&f.params)
        .map(|(written, param)| {
            exprs.get(written.default.as_ref()?, &nothing, Expect::value(Place::Default, &param.ty), out)
        })
        .collect()
}

/// A domain's default and checks.
pub(crate) fn domain_expressions(
    exprs: &Exprs<'_>,
    d: &ast::DomainDecl,
    domain: &Domain,
    out: &mut Vec<Diagnostic>,
) -> (Option<ExprRef>, Vec<Check>) {
    let nothing = Scope::default();
    let default =
        d.default.as_ref().and_then(|raw| exprs.get(raw, &nothing, Expect::value(Place::Default, &domain.base), out));
    let mut names = Names::default();
    for check in &d.checks {
        if let Some(name) = &check.name {
            check_name(name, out);
            names.reserve(&name.text);
        }
    }
    let checks = d
        .checks
        .iter()
        .filter_map(|c| {
            let expr = exprs.get(&c.expr, &nothing, Expect::domain_check(&domain.base), out)?;
            let name = match &c.name {
                Some(name) => name.text.clone(),
                None => names.choose(&domain.name.name, None, "check"),
            };
            Some(Check { name, doc: None, expr, no_inherit: c.no_inherit, not_valid: c.not_valid, span: c.at.0 })
        })
        .collect();
    (default, checks)
}

/// What a declared dependency leads to.
pub(crate) fn object(
    project: &Project<'_>,
    kind: Option<&ast::Name>,
    name: &ast::QName,
    out: &mut Vec<Diagnostic>,
) -> Option<Object> {
    let full = project.qualified(name);
    let word = kind.map_or("", |k| k.text.as_str());
    let bare = &name.name.text;
    let found = match word {
        "extension" => project.extensions.contains_key(bare).then(|| Object::Extension(bare.clone())),
        "schema" => project.knows_schema(bare).then(|| Object::Schema(bare.clone())),
        "sql" => project.sql_blocks.get(bare).map(|at| Object::Sql(*at)),
        "function" | "procedure" | "aggregate" => function_object(project, &full),
        "type" | "enum" | "domain" => type_object(project, &full),
        "role" => project.roles.contains(bare).then_some(Object::Schema(SmolStr::default())),
        _ => project
            .relations
            .get(&full)
            .cloned()
            .or_else(|| type_object(project, &full))
            .or_else(|| function_object(project, &full))
            .or_else(|| project.sql_blocks.get(bare).map(|at| Object::Sql(*at)))
            .or_else(|| project.extensions.contains_key(bare).then(|| Object::Extension(bare.clone()))),
    };
    if found.is_none() {
        if word == "extension" {
            let message = format!("extension `{bare}` is not declared");
            let help = format!("add `extension {bare}` to one of the files");
            out.push(Diagnostic::new(codes::UNKNOWN_EXTENSION, name.span(), message).help(help));
            return None;
        }
        let what = if word.is_empty() { "object" } else { word };
        let others = project.functions.keys().chain(project.types.keys());
        let others: Vec<String> = others.map(|n| project.spell(n)).collect();
        let words = project.spelled().iter().map(|(word, _)| word).chain(&others).map(String::as_str);
        let help = match nearest(&show(name), words.chain(project.sql_blocks.keys().map(SmolStr::as_str))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name something that one of the files declares, or that a `sql` block provides".to_owned(),
        };
        let message = format!("unknown {what} `{}`", show(name));
        out.push(Diagnostic::new(codes::UNKNOWN_OBJECT, name.span(), message).help(help));
    }
    found.filter(|o| *o != Object::Schema(SmolStr::default()))
}

fn function_object(project: &Project<'_>, name: &Qualified) -> Option<Object> {
    let declared = project.functions.get(name).and_then(|list| list.first()).map(|at| Object::Function(*at));
    declared.or_else(|| project.provided_functions.get(name).map(|at| Object::Sql(*at)))
}

fn type_object(project: &Project<'_>, name: &Qualified) -> Option<Object> {
    match project.types.get(name)? {
        Base::Enum(id) => Some(Object::Enum(*id)),
        Base::Domain(id) => Some(Object::Domain(*id)),
        Base::Composite(id) => Some(Object::Composite(*id)),
        Base::Row(id) => Some(Object::Entity(*id)),
        _ => project.relations.get(name).cloned(),
    }
}

/// Reports what cannot be taken apart into statements: a string, a comment or a quoted name without an end would swallow what
/// follows in a migration, and commands of psql are none of the server's.
fn unreadable(body: &ast::SqlBody, out: &mut Vec<Diagnostic>) {
    if let Some(open) = Lexer::new(&body.text).find_map(Result::err) {
        let end = body.text[open.start..].find('\n').map_or(body.text.len(), |line| open.start + line);
        let span = body.at.0.part_of(&body.text, open.start, end);
        let found = Diagnostic::new(codes::BAD_SQL, span, format!("the {} that begins here has no end", open.what));
        out.push(found.help("end it with what it begins with"));
    } else if let Err(error) = specc_split::split(&body.text) {
        let before: usize = body.text.split_inclusive('\n').take(error.line.saturating_sub(1)).map(str::len).sum();
        let line = body.text[before..].lines().next().unwrap_or_default();
        let start = before + (line.len() - line.trim_start().len());
        let span = body.at.0.part_of(&body.text, start, before + line.trim_end().len());
        out.push(Diagnostic::new(codes::BAD_SQL, span, error.message).help("write statements that the server knows"));
    }
}

/// `sql` blocks.
pub(crate) fn sql_blocks(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    for (item, d) in &decls.sql_blocks {
        for (_, name) in &d.provides {
            project.check_schema(name, out);
            check_name(&name.name, out);
        }
        let mut depends: Vec<Object> =
            d.depends.iter().filter_map(|(kind, name)| object(project, kind.as_ref(), name, out)).collect();
        depends.sort();
        depends.dedup();
        if d.up.text.trim().is_empty() {
            let message = format!("sql block `{}` is empty", d.name.text);
            let help = "write the statements between `$$` and `$$`";
            out.push(Diagnostic::new(codes::BAD_SQL, d.name.at.0, message).help(help));
        }
        for body in [Some(&d.up), d.down.as_ref()].into_iter().flatten() {
            unreadable(body, out);
        }
        model.sql_blocks.push(SqlBlock {
            meta: project.meta(&item.doc, &d.name, None),
            name: d.name.text.clone(),
            provides: d.provides.iter().map(|(kind, name)| (kind.text.clone(), project.qualified(name))).collect(),
            depends,
            after: d.after,
            up: d.up.text.clone(),
            down: d.down.as_ref().map(|b| b.text.clone()),
            opens: super::opens::of(project, &d.up.text),
        });
    }
}
