//! References: the type of each reference column, the columns it points to, and the names of both ways.

use super::expand::Expanded;
use super::fields::{PendingRef, Shape, anchor, unknown_field};
use super::project::{Project, Seen, check_name, show};
use crate::types::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast::{self, MemberKind, RefActionKind};

/// A reference whose target and columns are known.
struct Target {
    pending: PendingRef,
    fields: Vec<FieldIx>,
    to: EntityId,
    to_fields: Vec<FieldIx>,
}

/// Resolves all references into `model.relations`.
pub(crate) fn relations(
    project: &Project<'_>,
    model: &mut Model,
    expanded: &[Expanded<'_>],
    shapes: &[Shape],
    out: &mut Vec<Diagnostic>,
) {
    let mut targets = Vec::new();
    for (entity, shape) in shapes.iter().enumerate() {
        for pending in &shape.references {
            let mem = &expanded[entity].members[pending.member];
            let before = out.len();
            if let Some(target) = target(project, model, shapes, mem, pending, out) {
                targets.push(target);
            }
            anchor(project, mem.via.as_ref(), &model.entities[entity].name.name, &mut out[before..]);
        }
    }
    model.relations.reserve_exact(targets.len());
    // A way forth and a way back.
    model.index.relations.reserve(2 * targets.len());
    follow_types(model, &targets, shapes, out);
    for target in targets {
        let entity = target.pending.entity.0 as usize;
        let mem = &expanded[entity].members[target.pending.member];
        let before = out.len();
        check_types(project, model, &target, mem, out);
        add(model, shapes, target, mem, out);
        anchor(project, mem.via.as_ref(), &model.entities[entity].name.name, &mut out[before..]);
    }
    name_inverses(model, out);
}

/// The parts of a reference of either kind.
fn parts(kind: &MemberKind) -> Option<(&ast::QName, &ast::RefOptions)> {
    match kind {
        MemberKind::Ref(r) => Some((&r.target, &r.options)),
        MemberKind::CompositeRef(r) => Some((&r.target, &r.options)),
        _ => None,
    }
}

fn target(
    project: &Project<'_>,
    model: &Model,
    shapes: &[Shape],
    mem: &super::expand::Mem<'_>,
    pending: &PendingRef,
    out: &mut Vec<Diagnostic>,
) -> Option<Target> {
    let (written, _) = parts(&mem.member.kind)?;
    let from = model.entity(pending.entity);
    let to = project.entity(written, out)?;
    let entity = model.entity(to);
    let (fields, wanted): (Vec<FieldIx>, Vec<&ast::Name>) = match &mem.member.kind {
        MemberKind::Ref(r) => (vec![pending.field], r.target_column.iter().collect()),
        MemberKind::CompositeRef(r) => {
            let mut fields = Vec::new();
            for column in &r.columns {
                match from.field(&column.text) {
                    Some(at) => fields.push(at),
                    None => out.push(unknown_field(from, &column.text, column.at.0)),
                }
            }
            if fields.len() < r.columns.len() {
                return None;
            }
            (fields, r.target_columns.iter().collect())
        }
        _ => return None,
    };
    let to_fields = if wanted.is_empty() {
        let Some(key) = &entity.key else {
            let message = format!("`{}` has no key to refer to", show(written));
            let help = format!("give `{}` a key, or name a unique column: `-> {0} (column)`", show(written));
            out.push(
                Diagnostic::new(codes::NO_KEY, written.span(), message)
                    .also(entity.meta.span, "declared here")
                    .help(help),
            );
            return None;
        };
        key.fields.clone()
    } else {
        let mut list = Vec::new();
        for name in &wanted {
            match entity.field(&name.text) {
                Some(at) => list.push(at),
                None => out.push(unknown_field(entity, &name.text, name.at.0)),
            }
        }
        if list.len() < wanted.len() {
            return None;
        }
        let mut set = list.clone();
        set.sort_unstable();
        if !shapes[to.0 as usize].unique_sets.contains(&set) && list.len() == fields.len() {
            let names: Vec<&str> = wanted.iter().map(|n| n.text.as_str()).collect();
            let span = wanted[0].at.0.to(wanted[wanted.len() - 1].at.0);
            let message = format!(
                "{} of `{}` {} not unique",
                super::fields::list(&names),
                show(written),
                if names.len() == 1 { "is" } else { "are" }
            );
            let help = format!("add `unique ({})` to `{}`, or refer to its key", names.join(", "), show(written));
            out.push(Diagnostic::new(codes::NOT_UNIQUE_TARGET, span, message).help(help));
            return None;
        }
        list
    };
    if to_fields.len() != fields.len() {
        let names: Vec<&str> = to_fields.iter().map(|f| entity.fields[*f].name.as_str()).collect();
        let message = format!(
            "{} of `{}` cannot refer to {}, which needs {}",
            count(fields.len()),
            from.name.name,
            super::fields::list(&names),
            count(to_fields.len()),
        );
        let help =
            format!("write `reference ({0}) -> {1} ({0})` with a column for each", names.join(", "), show(written));
        out.push(Diagnostic::new(codes::REFERENCE_ARITY, written.span(), message).help(help));
        return None;
    }
    Some(Target { pending: pending.clone(), fields, to, to_fields })
}

fn count(n: usize) -> String {
    if n == 1 { "one column".to_owned() } else { format!("{n} columns") }
}

/// Gives each reference column the type of what it points to, over chains of references.
fn follow_types(model: &mut Model, targets: &[Target], shapes: &[Shape], out: &mut Vec<Diagnostic>) {
    let references = targets.iter().filter(|t| t.pending.field != usize::MAX);
    let references = references.map(|t| ((t.pending.entity, t.pending.field), (t.to, t.to_fields[0])));
    let of_parents = model.entities.iter().zip(shapes).flat_map(|(entity, shape)| {
        let fields = entity.fields.iter().enumerate().zip(&shape.inherited);
        let open = fields.filter(|((_, field), _)| field.inherited && field.ty.base == Base::Unknown);
        open.map(|((at, _), from)| ((entity.id, at), *from))
    });
    let follows: Vec<_> = references.chain(of_parents).collect();
    let mut open: FxHashMap<(EntityId, FieldIx), (EntityId, FieldIx)> = follows.iter().copied().collect();
    for (start, _) in follows {
        let mut chain = vec![start];
        let mut at = start;
        while let Some(next) = open.get(&at).copied() {
            if chain.contains(&next) {
                let field = &model.entity(start.0).fields[start.1];
                if next == start && !field.inherited {
                    let message = format!("the type of `{}` follows itself", field.name);
                    let found = Diagnostic::new(codes::TYPE_CYCLE, field.meta.span, message);
                    out.push(
                        found
                            .help("give one of the columns a type of its own and declare it with `reference (…) -> …`"),
                    );
                }
                break;
            }
            chain.push(next);
            at = next;
        }
        if open.contains_key(&at) {
            continue;
        }
        let end = &model.entity(at.0).fields[at.1];
        let (ty, collation) = (end.ty.clone(), end.collation.clone());
        for (entity, at) in chain {
            let field = &mut model.entities[entity.0 as usize].fields[at];
            if open.remove(&(entity, at)).is_some() {
                field.ty = ty.clone();
                if field.collation.is_none() {
                    field.collation = collation.clone();
                }
            }
        }
    }
}

fn check_types(
    project: &Project<'_>,
    model: &Model,
    target: &Target,
    mem: &super::expand::Mem<'_>,
    out: &mut Vec<Diagnostic>,
) {
    let MemberKind::CompositeRef(r) = &mem.member.kind else { return };
    let (from, to) = (model.entity(target.pending.entity), model.entity(target.to));
    for ((mine, theirs), name) in target.fields.iter().zip(&target.to_fields).zip(&r.columns) {
        let (mine, theirs) = (&from.fields[*mine], &to.fields[*theirs]);
        if !model.refers(&mine.ty, &theirs.ty) {
            let wanted = project.describe(model, &theirs.ty);
            let message = format!(
                "`{}` is {} and cannot refer to `{}`, which is {wanted}",
                mine.name,
                project.describe(model, &mine.ty),
                theirs.name,
            );
            let help = format!("declare `{}: {wanted}`", mine.name);
            let found = Diagnostic::new(codes::REFERENCE_TYPE, name.at.0, message);
            out.push(found.also(mine.meta.span, "declared here").help(help));
        }
    }
}

fn add(model: &mut Model, shapes: &[Shape], target: Target, mem: &super::expand::Mem<'_>, out: &mut Vec<Diagnostic>) {
    let Some((written, options)) = parts(&mem.member.kind) else { return };
    let from_id = target.pending.entity;
    let from = model.entity(from_id);
    check_actions(from, &target, options, mem, out);
    for name in [&options.path, &options.inverse, &options.constraint].into_iter().flatten() {
        check_name(name, out);
    }
    let (path, span) = match (&options.path, &mem.member.kind) {
        (Some(path), _) => (path.text.clone(), path.at.0),
        (None, MemberKind::Ref(r)) => {
            let column = r.column.text.as_str();
            let path = column.strip_suffix("_id").filter(|p| !p.is_empty()).unwrap_or(column);
            (path.into(), r.column.at.0)
        }
        _ => (model.entity(target.to).name.name.clone(), written.span()),
    };
    let mut set = target.fields.clone();
    set.sort_unstable();
    let inverse_one = shapes[from_id.0 as usize].unique_sets.contains(&set);
    let nullable = target.fields.iter().any(|f| from.fields[*f].nullable);
    let id = RelationId(model.relations.len() as u32);
    let inverse = options.inverse.as_ref().map_or_else(|| from.name.name.clone(), |i| i.text.clone());
    let taken = model.index.relations.get(&(from_id, path.clone())).map(|(id, _)| model.relation(*id).span);
    if let Some(first) = taken {
        let message = format!("two references of `{}` have the path `{path}`", from.name.name);
        let help = "name one of them: `… as other_path`";
        out.push(Diagnostic::new(codes::DUPLICATE_NAME, span, message).also(first, "first here").help(help));
    } else {
        model.index.relations.insert((from_id, path.clone()), (id, false));
    }
    let constraint = options.constraint.as_ref().map(|c| c.text.clone()).unwrap_or_default();
    let one = (target.pending.field != usize::MAX).then_some(target.pending.field);
    model.entities[from_id.0 as usize].outgoing.push(id);
    model.entities[target.to.0 as usize].incoming.push(id);
    if let Some(field) = one {
        model.entities[from_id.0 as usize].fields[field].relation = Some(id);
    }
    model.relations.push(Relation {
        id,
        from: from_id,
        fields: target.fields,
        to: target.to,
        to_fields: target.to_fields,
        path,
        inverse,
        inverse_one,
        nullable,
        constraint,
        options: options.clone(),
        doc: if one.is_none() { mem.member.doc.clone() } else { None },
        span: mem.member.at.0,
    });
}

/// `set null` and `set default` need columns that can take it.
fn check_actions(
    from: &Entity,
    target: &Target,
    options: &ast::RefOptions,
    mem: &super::expand::Mem<'_>,
    out: &mut Vec<Diagnostic>,
) {
    for action in [&options.on_delete, &options.on_update].into_iter().flatten() {
        let mut columns = Vec::new();
        for name in &action.columns {
            match target.fields.iter().find(|f| from.fields[**f].name == name.text) {
                Some(field) => columns.push(*field),
                None => {
                    let message = format!("`{}` is not a column of this reference", name.text);
                    let names: Vec<&str> = target.fields.iter().map(|f| from.fields[*f].name.as_str()).collect();
                    let help = format!("it has {}", super::fields::list(&names));
                    out.push(Diagnostic::new(codes::UNKNOWN_FIELD, name.at.0, message).help(help));
                }
            }
        }
        if columns.is_empty() {
            columns.clone_from(&target.fields);
        }
        for field in columns.iter().map(|f| &from.fields[*f]) {
            match action.kind {
                RefActionKind::SetNull if !field.nullable => {
                    let message = format!("`set null` would clear `{}`, which is never null", field.name);
                    let help = match &mem.member.kind {
                        MemberKind::Ref(r) => {
                            format!("write `{} -> {}?`, or use `cascade` or `restrict`", r.column.text, show(&r.target))
                        }
                        _ => format!("make `{}` nullable, or name the columns: `set null (column)`", field.name),
                    };
                    out.push(Diagnostic::new(codes::SET_NULL_NOT_NULL, action.at.0, message).help(help));
                }
                RefActionKind::SetDefault if !field.nullable && !has_default(mem) => {
                    let message = format!("`set default` needs a default for `{}`", field.name);
                    let help = format!("give `{}` a default with `= …`", field.name);
                    out.push(Diagnostic::new(codes::SET_DEFAULT_NO_DEFAULT, action.at.0, message).help(help));
                }
                _ => {}
            }
        }
    }
}

fn has_default(mem: &super::expand::Mem<'_>) -> bool {
    match &mem.member.kind {
        MemberKind::Ref(r) => r.default.is_some(),
        _ => true, // columns of their own, whose defaults are not known yet
    }
}

/// Puts the ways back into the index. Several references of one entity to another would share the default name, so
/// each of them is `<entity>_by_<path>`.
fn name_inverses(model: &mut Model, out: &mut Vec<Diagnostic>) {
    let mut counts: FxHashMap<(EntityId, SmolStr), u32> = FxHashMap::default();
    for relation in model.relations.iter().filter(|r| r.options.inverse.is_none()) {
        *counts.entry((relation.to, relation.inverse.clone())).or_default() += 1;
    }
    let mut seen: Seen<(EntityId, SmolStr)> = Seen::new();
    // names that were given come first
    for given in [true, false] {
        for at in 0..model.relations.len() {
            let relation = &model.relations[at];
            if relation.options.inverse.is_some() != given {
                continue;
            }
            let (to, span) = (relation.to, inverse_span(relation));
            let mut inverse = relation.inverse.clone();
            if !given {
                let several = counts.get(&(to, inverse.clone())).is_some_and(|n| *n > 1);
                let ambiguous = several || seen.get(&(to, inverse.clone())).is_some();
                if ambiguous {
                    let by = format!("{inverse}_by_{}", relation.path).into();
                    model.index.ambiguous.entry((to, inverse)).or_default().push(relation.id);
                    inverse = by;
                }
            }
            let key = (to, inverse.clone());
            let id = relation.id;
            let message = || {
                let message = format!("two relations lead back from `{}` as `{inverse}`", model.entity(to).name.name);
                (message, "name one of them: `… inverse other_name`".to_owned())
            };
            if !given && seen.get(&key).is_some() {
                continue; // two references with one path, which is said already
            }
            if seen.add(key.clone(), span, codes::AMBIGUOUS_INVERSE, message, out) {
                // a way forth of the same name is nearer
                model.index.relations.entry(key).or_insert((id, true));
            }
            model.relations[at].inverse = inverse;
        }
    }
}

fn inverse_span(relation: &Relation) -> Span {
    relation.options.inverse.as_ref().map_or(relation.span, |i| i.at.0)
}
