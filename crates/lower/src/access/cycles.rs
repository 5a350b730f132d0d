//! Policies that would read each other.
//!
//! What conditions say with relation paths goes through helpers of the owner, which no policy filters. Plain subqueries
//! and invoker functions read with the rights of who asks, so the policies of what they read apply too; a circle of such
//! reads fails in Postgres when the table is first queried (42P17).

use rustc_hash::FxHashMap;
use specc_diag::{Diagnostic, Span, codes};
use specc_model::{EntityId, Model, Rls};

/// Reports each circle once, with its path.
pub(super) fn check(model: &Model, reads: &[(EntityId, EntityId, Span)], diagnostics: &mut Vec<Diagnostic>) {
    let mut edges: FxHashMap<EntityId, Vec<(EntityId, Span)>> = FxHashMap::default();
    for (from, to, span) in reads {
        if model.entity(*to).rls != Rls::Off {
            edges.entry(*from).or_default().push((*to, *span));
        }
    }
    let mut done: FxHashMap<EntityId, bool> = FxHashMap::default();
    let mut starts: Vec<_> = edges.keys().copied().collect();
    starts.sort();
    for start in starts {
        if done.contains_key(&start) {
            continue;
        }
        // Depth first without recursion: `false` in `done` marks what is on the way.
        let mut way: Vec<(EntityId, Span, usize)> = vec![(start, Span::default(), 0)];
        done.insert(start, false);
        while let Some((at, _, next)) = way.last_mut() {
            let out = edges.get(at).and_then(|list| list.get(*next)).copied();
            *next += 1;
            let Some((to, span)) = out else {
                done.insert(*at, true);
                way.pop();
                continue;
            };
            match done.get(&to) {
                Some(true) => {}
                Some(false) => {
                    let from = way.iter().position(|(e, ..)| *e == to).unwrap_or(0);
                    diagnostics.push(report(model, &way[from..], to, span));
                }
                None => {
                    done.insert(to, false);
                    way.push((to, span, 0));
                }
            }
        }
    }
}

fn report(model: &Model, circle: &[(EntityId, Span, usize)], back: EntityId, span: Span) -> Diagnostic {
    let name = |id: EntityId| format!("`{}`", model.entity(id).name.name);
    let mut path: Vec<_> = circle.iter().map(|(e, ..)| name(*e)).collect();
    path.push(name(back));
    let message = match circle {
        [_] => format!("a policy of {} reads {} itself", path[0], path[0]),
        _ => format!("policies read each other: {}", path.join(" -> ")),
    };
    let mut diagnostic = Diagnostic::new(codes::POLICY_CYCLE, span, message)
    .label("this subquery is filtered by the policies of what it reads")
    .help("say it as `exists relation (condition)` or `viewer.field`, which ask past the policies, or move the subquery into a `security definer` function");
    for (_, other, _) in circle.iter().skip(1) {
        diagnostic = diagnostic.also(*other, "and this one leads here");
    }
    diagnostic
}
