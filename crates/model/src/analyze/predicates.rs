//! Predicates: their parameters, their bodies, and which uses which. A predicate is written out wherever it is used, so
//! a circle is an error, and what it grows to is held to the limits of one expression.

use super::access::user_claims;
use super::collect::Decls;
use super::exprs::Exprs;
use super::project::{Project, Seen};
use crate::formula::{Formula, Node};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast;
use std::collections::VecDeque;

/// Predicates by name, so that conditions can use them; their bodies come with the second look.
pub(super) fn declare(project: &Project<'_>, decls: &Decls<'_>, model: &mut Model, out: &mut Vec<Diagnostic>) {
    let nothing = super::unread();
    for (at, (item, d)) in decls.predicates.iter().enumerate() {
        let params = params(project, d, out);
        model.index.predicates.insert(d.name.text.clone(), PredicateId(at as u32));
        model.predicates.push(Predicate {
            meta: project.meta(&item.doc, &d.name, None),
            name: d.name.text.clone(),
            params,
            body: nothing.clone(),
        });
    }
}

fn params(project: &Project<'_>, d: &ast::PredicateDecl, out: &mut Vec<Diagnostic>) -> Vec<PredicateParam> {
    let mut seen: Seen<SmolStr> = Seen::new();
    let mut list = Vec::new();
    for (name, ty) in &d.params {
        let message = || (format!("parameter `{}` is declared twice", name.text), "rename one of the two".to_owned());
        seen.add(name.text.clone(), name.at.0, codes::DUPLICATE_NAME, message, out);
        if matches!(&*name.text, "viewer" | "claims" | "this") {
            let message = format!("`{}` has a meaning of its own in conditions", name.text);
            out.push(Diagnostic::new(codes::RESERVED_NAME, name.at.0, message).help("give the parameter another name"));
        }
        if ty.nullable {
            let message = format!("`{}` can always be null", name.text);
            out.push(Diagnostic::new(codes::NOT_ALLOWED_HERE, ty.at.0, message).help("remove the `?`"));
        }
        let plain = ty.dims == 0 && ty.args.is_empty();
        let kind = match project.relations.get(&project.qualified(&ty.name)) {
            Some(Object::Entity(id)) if plain => ParamKind::Row(*id),
            _ => ParamKind::Value(project.resolve_type(ty, out)),
        };
        list.push(PredicateParam { name: name.text.clone(), kind });
    }
    list
}

/// What the body of a predicate can name: its parameters.
fn scope(predicate: &Predicate) -> Scope {
    let mut scope = Scope::default();
    for (at, param) in predicate.params.iter().enumerate() {
        match &param.kind {
            ParamKind::Row(entity) => scope.rows.push((param.name.clone(), *entity)),
            ParamKind::Value(ty) => scope.values.push((param.name.clone(), at, ty.clone())),
        }
    }
    scope
}

/// The bodies, in the order of the declarations; none for what cannot be read or never ends.
pub(super) fn bodies(exprs: &Exprs<'_>, decls: &Decls<'_>, out: &mut Vec<Diagnostic>) -> Vec<Option<ExprRef>> {
    let mut graph = Graph::new();
    let mut bodies = Vec::with_capacity(decls.predicates.len());
    for ((_, d), predicate) in decls.predicates.iter().zip(&exprs.model.predicates) {
        user_claims(&d.body, out);
        let body = exprs.get(&d.body, &scope(predicate), Expect::condition(Place::Predicate), out);
        graph.add_node(body.as_ref().map(|b| uses(&b.formula)).unwrap_or_default());
        bodies.push(body);
    }
    for user in graph.node_indices() {
        for (used, at) in graph[user].clone() {
            graph.add_edge(user, NodeIndex::new(used.0 as usize), at);
        }
    }
    // what is used comes before what uses it
    let groups = petgraph::algo::kosaraju_scc(&graph);
    let mut sizes: Vec<Option<Size>> = vec![None; bodies.len()];
    for group in groups {
        let mut group = group;
        group.sort();
        if let Some(circle) = circle(&graph, &group) {
            out.push(circle_found(exprs.model, &circle));
            group.iter().for_each(|node| bodies[node.index()] = None);
        } else if let [node] = group[..] {
            sizes[node.index()] = size(exprs.model, &graph, node, &mut bodies[node.index()], &sizes, out);
        }
    }
    bodies
}

/// Who uses whom, and where.
type Graph = DiGraph<Vec<(PredicateId, Span)>, Span>;

/// A shortest way from the first of `group` back to it: each predicate, and where it uses the next.
fn circle(graph: &Graph, group: &[NodeIndex]) -> Option<Vec<(NodeIndex, Span)>> {
    let start = *group.first()?;
    // the step that led to each
    let mut from: FxHashMap<NodeIndex, (NodeIndex, Span)> = FxHashMap::default();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut steps: Vec<_> = graph.edges(node).map(|e| (*e.weight(), e.target())).collect();
        steps.sort();
        for (at, to) in steps {
            if to == start {
                let mut way = vec![(node, at)];
                while way[0].0 != start {
                    way.insert(0, from[&way[0].0]);
                }
                return Some(way);
            }
            if group.binary_search(&to).is_ok() && !from.contains_key(&to) {
                from.insert(to, (node, at));
                queue.push_back(to);
            }
        }
    }
    None
}

/// Longer circles are shown by their first steps.
const SHOWN: usize = 8;

fn circle_found(model: &Model, circle: &[(NodeIndex, Span)]) -> Diagnostic {
    let name = |at: usize| &model.predicates[circle[at % circle.len()].0.index()].name;
    let shown = circle.len().min(SHOWN);
    let mut way: Vec<String> = (0..shown).map(|at| format!("`{}`", name(at))).collect();
    if shown < circle.len() {
        way.push(format!("{} more", circle.len() - shown));
    }
    way.push(format!("`{}`", name(0)));
    let message = format!("predicate `{}` leads back to itself: {}", name(0), way.join(" → "));
    let mut found = Diagnostic::new(codes::PREDICATE_CYCLE, circle[0].1, message);
    if circle.len() > 1 {
        found = found.label(format!("`{}` uses `{}`", name(0), name(1)));
    }
    for (at, (_, span)) in circle.iter().enumerate().take(shown).skip(1) {
        found = found.also(*span, format!("`{}` uses `{}`", name(at), name(at + 1)));
    }
    found.help(match circle.len() {
        1 => "say when it holds, without its own name".to_owned(),
        n => format!("say `{}` without `{}`", name(n - 1), name(0)),
    })
}

/// What a predicate grows to where it is written out.
#[derive(Clone, Default)]
struct Size {
    /// Nodes of its tree, without what its parameters stand for.
    parts: usize,
    /// How deep that is.
    depth: usize,
    /// Predicates in each other.
    chain: usize,
    /// How often each parameter is read.
    reads: FxHashMap<usize, usize>,
}

/// As many as the tokens of one expression.
const MAX_PARTS: usize = specc_expr::MAX_EXPR_TOKENS;
const MAX_CHAIN: usize = 32;

/// The size of `node`, which uses what has been measured before; none where it, or what it uses, cannot be written out.
fn size(
    model: &Model,
    graph: &Graph,
    node: NodeIndex,
    body: &mut Option<ExprRef>,
    sizes: &[Option<Size>],
    out: &mut Vec<Diagnostic>,
) -> Option<Size> {
    let written = body.take()?;
    if graph[node].iter().any(|(used, _)| sizes[used.0 as usize].is_none()) {
        return None;
    }
    let size = measure(&written.formula, sizes);
    let name = &model.predicates[node.index()].name;
    let (message, help) = if size.parts > MAX_PARTS {
        let message = format!("written out, `{name}` has {} parts, more than the {MAX_PARTS} allowed", size.parts);
        (message, "use each predicate once, or make a part a function")
    } else if size.chain > MAX_CHAIN {
        let message = format!(
            "`{name}` leads through {inner} other predicates, more than the {most} allowed",
            inner = size.chain - 1,
            most = MAX_CHAIN - 1
        );
        (message, "write some of them out, or make a part a function")
    } else if size.depth > specc_expr::MAX_DEPTH {
        (format!("written out, `{name}` is nested too deeply"), "make a part of it a function")
    } else {
        *body = Some(written);
        return Some(size);
    };
    out.push(Diagnostic::new(codes::TOO_DEEP, written.span, message).help(help));
    None
}

/// The size of a formula over predicates of which the sizes are known.
fn measure(formula: &Formula, sizes: &[Option<Size>]) -> Size {
    let mut size = Size { chain: 1, ..Size::default() };
    // each part with its depth, and how often it is written out
    let mut rest = vec![(formula, 1, 1usize)];
    while let Some((next, depth, times)) = rest.pop() {
        size.parts = size.parts.saturating_add(times);
        size.depth = size.depth.max(depth);
        match &next.node {
            Node::Parameter(at) => {
                let reads = size.reads.entry(*at).or_default();
                *reads = reads.saturating_add(times);
            }
            Node::Predicate(id, args) => {
                let Some(used) = &sizes[id.0 as usize] else { continue };
                size.parts = size.parts.saturating_add(used.parts.saturating_mul(times));
                let below = depth + used.depth;
                size.depth = size.depth.max(below);
                size.chain = size.chain.max(1 + used.chain);
                for (at, arg) in args.iter().enumerate() {
                    let reads = used.reads.get(&at).copied().unwrap_or(0);
                    rest.push((arg, below, times.saturating_mul(reads)));
                }
                continue;
            }
            _ => {}
        }
        rest.extend(next.parts().into_iter().map(|part| (part, depth + 1, times)));
    }
    size
}

/// The predicates that a formula uses, each where it is named.
fn uses(formula: &Formula) -> Vec<(PredicateId, Span)> {
    let mut found = Vec::new();
    formula.visit(|part| {
        if let Node::Predicate(id, _) = part.node {
            found.push((id, part.span));
        }
    });
    found
}
