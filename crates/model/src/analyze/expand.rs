//! Mixins into the entities that use them.

use super::names::quoted;
use super::project::{MixinAt, Project, sorted};
use super::substitute::{Values, substitute};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_syntax::ast::{self, Member, MemberKind, UseMixin};
use std::ops::Deref;

/// Mixins that use each other one after the other.
const MOST_NESTED: usize = 100;
/// More members than any table can have.
const MOST_MEMBERS: usize = 10_000;

/// Where a member of a mixin was brought in.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pub mixin: SmolStr,
    /// The `use` in the entity.
    pub span: Span,
}

/// A member of an entity, of its own or of a mixin.
#[derive(Clone, Debug)]
pub(crate) struct Mem<'a> {
    pub member: Written<'a>,
    pub via: Option<Via>,
}

/// A member as it stands in the text, or with the parameters of its mixin filled in. (A `Cow` would make room for a whole
/// member each time.)
#[derive(Clone, Debug)]
pub(crate) enum Written<'a> {
    Here(&'a Member),
    Filled(Box<Member>),
}

impl Deref for Written<'_> {
    type Target = Member;

    fn deref(&self) -> &Member {
        match self {
            Written::Here(member) => member,
            Written::Filled(member) => member,
        }
    }
}

/// An entity with its mixins filled in.
#[derive(Debug, Default)]
pub(crate) struct Expanded<'a> {
    pub members: Vec<Mem<'a>>,
    /// Mixins that it names itself.
    pub mixins: Vec<SmolStr>,
}

struct Expander<'a, 'p> {
    project: &'p Project<'a>,
    entity: &'a ast::EntityDecl,
    key: Result<SmolStr, ()>,
    used: FxHashSet<(SmolStr, Vec<SmolStr>)>,
    result: Expanded<'a>,
    full: bool,
}

/// The members of `entity`, those of its mixins in the place of the `use`.
pub(crate) fn expand<'a>(
    project: &Project<'a>,
    entity: &'a ast::EntityDecl,
    out: &mut Vec<Diagnostic>,
) -> Expanded<'a> {
    let mut all = Expander {
        project,
        entity,
        key: key_of(&entity.members).or_else(|()| key_of_mixins(project, entity)),
        used: FxHashSet::default(),
        result: Expanded::default(),
        full: false,
    };
    all.result.members.reserve(entity.members.len() + 4);
    for member in &entity.members {
        if let MemberKind::Use(uses) = &member.kind {
            for mixin in &uses.mixins {
                all.result.mixins.push(mixin.name.text.clone());
                all.expand(mixin, mixin.at.0, &mut Vec::new(), out);
            }
        } else {
            all.result.members.push(Mem { member: Written::Here(member), via: None });
        }
    }
    all.result
}

/// The one key column that `members` declare.
fn key_of(members: &[Member]) -> Result<SmolStr, ()> {
    let mut found = Err(());
    for member in members {
        match &member.kind {
            MemberKind::Field(f) if f.key => found = found.or(Ok(f.name.text.clone())),
            MemberKind::Ref(r) if r.key => found = found.or(Ok(r.column.text.clone())),
            MemberKind::Key(k) => {
                return if let [one] = k.columns.as_slice() { Ok(one.text.clone()) } else { Err(()) };
            }
            _ => {}
        }
    }
    found
}

/// The one key column that the mixins of `entity` declare by a plain name.
fn key_of_mixins(project: &Project<'_>, entity: &ast::EntityDecl) -> Result<SmolStr, ()> {
    if entity.members.iter().any(|m| matches!(m.kind, MemberKind::Key(_))) {
        return Err(());
    }
    let mut seen = FxHashSet::default();
    let uses = |members: &[Member]| -> Vec<SmolStr> {
        let uses = members.iter().filter_map(|m| if let MemberKind::Use(u) = &m.kind { Some(u) } else { None });
        uses.flat_map(|u| u.mixins.iter().map(|m| m.name.text.clone())).collect()
    };
    let mut open = uses(&entity.members);
    while let Some(name) = open.pop() {
        let Some(mixin) = project.mixins.get(&name) else { continue };
        if !seen.insert(name) {
            continue;
        }
        if let Ok(key) = key_of(&mixin.decl.members)
            && !key.starts_with('$')
        {
            return Ok(key);
        }
        open.extend(uses(&mixin.decl.members));
    }
    Err(())
}

impl<'a> Expander<'a, '_> {
    fn expand(&mut self, used: &UseMixin, via: Span, stack: &mut Vec<SmolStr>, out: &mut Vec<Diagnostic>) {
        if stack.len() > MOST_NESTED {
            if !self.full {
                let message = format!("more than {MOST_NESTED} mixins use each other one after the other");
                out.push(Diagnostic::new(codes::TOO_DEEP, via, message).help("write the members into fewer mixins"));
            }
            self.full = true;
            return;
        }
        if stack.contains(&used.name.text) || self.full {
            return; // reported once for the mixin itself
        }
        let Some(&mixin) = self.project.mixins.get(&used.name.text) else {
            if stack.is_empty() {
                out.push(unknown_mixin(self.project, used));
            }
            return;
        };
        let texts: Vec<SmolStr> = used.args.iter().map(|(_, value)| value.text.clone()).collect();
        if !self.used.insert((used.name.text.clone(), texts)) {
            if stack.is_empty() {
                let message = format!("mixin `{}` is used twice", used.name.text);
                out.push(Diagnostic::new(codes::DUPLICATE_NAME, used.at.0, message).help("remove one of the two"));
            }
            return;
        }
        let Some(values) = self.values(mixin.decl, used, out) else { return };
        stack.push(used.name.text.clone());
        for member in &mixin.decl.members {
            if self.result.members.len() >= MOST_MEMBERS {
                if !self.full {
                    let message = format!("`{}` grows to more than {MOST_MEMBERS} members", self.entity.name.name.text);
                    out.push(Diagnostic::new(codes::TOO_DEEP, via, message).help("use fewer mixins here"));
                }
                self.full = true;
                break;
            }
            // every parameter was checked where the mixin is declared
            let member = if has_dollar(member) {
                if self.key.is_err() && needs_key(member) {
                    let message = format!("mixin `{}` needs an entity with one key column", used.name.text);
                    let help =
                        format!("declare one in `{}`: `id: uuid = gen_random_uuid() key`", self.entity.name.name.text);
                    out.push(Diagnostic::new(codes::MIXIN_ARGUMENTS, via, message).help(help));
                    break;
                }
                Written::Filled(Box::new(substitute(member, &values, &mut Vec::new())))
            } else {
                Written::Here(member)
            };
            if let MemberKind::Use(uses) = &member.kind {
                for nested in &uses.mixins {
                    self.expand(nested, via, stack, out);
                }
            } else {
                let via = Some(Via { mixin: used.name.text.clone(), span: via });
                self.result.members.push(Mem { member, via });
            }
        }
        stack.pop();
    }

    /// What each parameter stands for.
    fn values(&self, mixin: &ast::MixinDecl, used: &UseMixin, out: &mut Vec<Diagnostic>) -> Option<Values> {
        let mut given: Vec<Option<SmolStr>> = vec![None; mixin.params.len()];
        let before = out.len();
        let signature = || {
            let params: Vec<String> = mixin
                .params
                .iter()
                .map(|p| match &p.default {
                    Some(default) => format!("{} = {}", p.name.text, default.text),
                    None => p.name.text.to_string(),
                })
                .collect();
            if params.is_empty() {
                return format!("write `use {}`", mixin.name.text);
            }
            format!("write `use {}({})`", mixin.name.text, params.join(", "))
        };
        let mut report = |span, message: String, help: Option<String>| {
            out.push(
                Diagnostic::new(codes::MIXIN_ARGUMENTS, span, message)
                    .also(mixin.name.at.0, "declared here")
                    .help(help.unwrap_or_else(signature)),
            );
        };
        let mut place = 0;
        for (name, value) in &used.args {
            let at = match name {
                Some(name) => match mixin.params.iter().position(|p| p.name.text == name.text) {
                    Some(at) => at,
                    None => {
                        let near = nearest(&name.text, mixin.params.iter().map(|p| p.name.text.as_str()));
                        let help = near.map(|n| format!("did you mean `{n}`?"));
                        report(
                            name.at.0,
                            format!("mixin `{}` has no parameter `{}`", mixin.name.text, name.text),
                            help,
                        );
                        continue;
                    }
                },
                None => {
                    place += 1;
                    place - 1
                }
            };
            match given.get_mut(at) {
                Some(slot @ None) => *slot = Some(value.text.clone()),
                Some(Some(_)) => {
                    let message = format!("parameter `{}` is given twice", mixin.params[at].name.text);
                    report(value.at.0, message, None);
                }
                None => {
                    let count = mixin.params.len();
                    let message = format!("mixin `{}` takes {} and gets more", mixin.name.text, arguments(count));
                    report(value.at.0, message, None);
                    break;
                }
            }
        }
        let mut list = Vec::with_capacity(given.len() + 3);
        let mut missing = Vec::new();
        for (param, value) in mixin.params.iter().zip(given) {
            match value.or_else(|| param.default.as_ref().map(|d| d.text.clone())) {
                Some(value) => list.push((param.name.text.clone(), value)),
                None => missing.push(param.name.text.as_str()),
            }
        }
        if !missing.is_empty() {
            let message = format!("mixin `{}` needs {}", mixin.name.text, super::fields::list(&missing));
            report(used.at.0, message, None);
        }
        if out.len() > before {
            return None;
        }
        let schema = match &self.entity.name.schema {
            Some(schema) => schema.text.clone(),
            None => self.project.options.default_schema.clone(),
        };
        list.push(("entity".into(), quoted(&self.entity.name.name.text)));
        list.push(("schema".into(), quoted(&schema)));
        if let Ok(key) = &self.key {
            list.push(("key".into(), quoted(key)));
        }
        Some(Values { list })
    }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

fn unknown_mixin(project: &Project<'_>, used: &UseMixin) -> Diagnostic {
    let mut known: Vec<&str> = sorted(project.mixins.keys().map(SmolStr::as_str));
    super::library::mixin_names().for_each(|name| known.push(name));
    let near = nearest(&used.name.text, known);
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it: `mixin {} {{ … }}`", used.name.text),
    };
    let message = format!("unknown mixin `{}`", used.name.text);
    Diagnostic::new(codes::UNKNOWN_MIXIN, used.name.at.0, message).help(help)
}

/// Whether anything in the member has to be filled in.
fn has_dollar(member: &Member) -> bool {
    // a member is small, and each mixin's member is looked at once for each use
    let raw = |r: &ast::RawExpr| r.text.contains('$');
    let maybe = |r: &Option<ast::RawExpr>| r.as_ref().is_some_and(raw);
    let name = |n: &ast::Name| n.text.contains('$');
    match &member.kind {
        MemberKind::Field(f) => {
            name(&f.name)
                || name(&f.ty.name.name)
                || match &f.value {
                    Some(ast::FieldValue::Default(r)) => raw(r),
                    Some(ast::FieldValue::Maintained(_)) => true,
                    None => false,
                }
                || f.generated.as_deref().is_some_and(raw)
                || f.backfill.as_deref().is_some_and(raw)
                || f.using.as_deref().is_some_and(raw)
        }
        MemberKind::Check(c) => raw(&c.expr) || c.name.as_ref().is_some_and(name),
        MemberKind::ReplicaIdentity(ast::ReplicaIdentity::Index(index)) => name(index),
        MemberKind::Rls(_) | MemberKind::With(_) | MemberKind::ReplicaIdentity(_) => false,
        MemberKind::Trigger(t) => match &t.action {
            ast::TriggerAction::Execute { function, args } => {
                name(&t.name)
                    || maybe(&t.when)
                    || name(&function.name)
                    || args.iter().any(|a| a.value.contains('$'))
                    || t.events.iter().any(|e| e.columns.iter().any(name))
            }
            ast::TriggerAction::Body(_) => true,
        },
        _ => true,
    }
}

/// Whether the member uses `$key`.
fn needs_key(member: &Member) -> bool {
    let without_key = Values { list: Vec::new() };
    let mut found = Vec::new();
    substitute(member, &without_key, &mut found);
    found.iter().any(|d| d.message.ends_with("`$key`"))
        || match &member.kind {
            MemberKind::Trigger(t) => match &t.action {
                ast::TriggerAction::Execute { args, .. } => args.iter().any(|a| a.value == "$key"),
                ast::TriggerAction::Body(body) => body.text.contains("$key"),
            },
            _ => false,
        }
}

/// What is wrong with mixins by themselves: unknown parameters, unknown nested mixins, cycles.
pub(crate) fn check_mixins(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    let mut mixins: Vec<&MixinAt<'_>> = project.mixins.values().collect();
    mixins.sort_by_key(|m| m.decl.name.at.0);
    let circles = circles(&mixins);
    for mixin in mixins {
        let mut list: Vec<(SmolStr, SmolStr)> =
            mixin.decl.params.iter().map(|p| (p.name.text.clone(), "x".into())).collect();
        list.extend(["entity", "schema", "key"].map(|n| (n.into(), "x".into())));
        let values = Values { list };
        for (at, param) in mixin.decl.params.iter().enumerate() {
            let reserved = matches!(&*param.name.text, "entity" | "schema" | "key");
            let twice = mixin.decl.params[..at].iter().any(|p| p.name.text == param.name.text);
            if reserved || twice {
                let why = if reserved { "always there" } else { "declared twice" };
                let message = format!("parameter `{}` is {why}", param.name.text);
                let help = "give it another name";
                out.push(Diagnostic::new(codes::DUPLICATE_NAME, param.name.at.0, message).help(help));
            }
        }
        for member in &mixin.decl.members {
            if has_dollar(member) {
                substitute(member, &values, out);
            }
            let MemberKind::Use(uses) = &member.kind else { continue };
            for used in &uses.mixins {
                if !project.mixins.contains_key(&used.name.text) {
                    out.push(unknown_mixin(project, used));
                } else if circles.get(used.name.text.as_str()) == circles.get(mixin.decl.name.text.as_str()) {
                    let message = format!("mixin `{}` uses itself through `{}`", mixin.decl.name.text, used.name.text);
                    out.push(
                        Diagnostic::new(codes::MIXIN_CYCLE, used.at.0, message)
                            .also(mixin.decl.name.at.0, "declared here")
                            .help(format!("remove `{}` here", used.name.text)),
                    );
                }
            }
        }
    }
}

/// Mixins that use each other in a circle have the same number, others one of their own.
fn circles<'p>(mixins: &[&MixinAt<'p>]) -> FxHashMap<&'p str, usize> {
    let mut graph: petgraph::graph::DiGraph<&str, ()> = petgraph::graph::DiGraph::new();
    let nodes: FxHashMap<&str, _> =
        mixins.iter().map(|m| m.decl.name.text.as_str()).map(|name| (name, graph.add_node(name))).collect();
    for mixin in mixins {
        for member in &mixin.decl.members {
            let MemberKind::Use(uses) = &member.kind else { continue };
            for used in &uses.mixins {
                if let Some(to) = nodes.get(used.name.text.as_str()) {
                    graph.add_edge(nodes[mixin.decl.name.text.as_str()], *to, ());
                }
            }
        }
    }
    let groups = petgraph::algo::kosaraju_scc(&graph);
    let numbered = groups.iter().enumerate().flat_map(|(n, group)| group.iter().map(move |node| (n, *node)));
    numbered.map(|(n, node)| (graph[node], n)).collect()
}
