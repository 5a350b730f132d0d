//! Materialized views that are filled while everyone reads the ones of before.

use crate::action_graph::{Role, Slot};
use crate::change_set::ChangeSet;
use crate::creation::Made;
use crate::place::{NewPlace, OldPlace, Planned};
use crate::planner::Builder;
use crate::recreation::{Actions, Cause, Recreation};
use crate::schedule::Phase;
use crate::strategies::in_place::table::{Chain, temporary_name};
use crate::strategies::shadow_column::eligible::Swaps;
use rustc_hash::FxHashSet;
use specc_catalog::{Index, Object, TableName, View};
use specc_sql::{Access, Alter, Named, Statement};

impl<'d> Builder<'d, '_> {
    /// Plans what a view that is filled beside the old one is made of: itself and its indexes, under other names until
    /// the old one has gone. What else is said of it is said then.
    pub(crate) fn filled(&mut self, step: &Made<'d>, actions: &Actions) -> bool {
        match &step.statement {
            Statement::Create(Object::View(view)) if actions.filled.contains(&step.place()) => {
                let object = self.arena.object(View { view: aside(&view.view), ..view.clone() });
                let mut chain = Chain::new(Slot::New(step.place()));
                self.add(&mut chain, Role::After, Phase::Build, Statement::Create(object));
                let rename = Alter::Rename { from: object, to: &view.view.name };
                self.add(&mut chain, Role::Make, Phase::CutOver, Statement::Alter(rename));
                true
            }
            // It is nobody's before it takes the name either.
            Statement::Revoke(access) if actions.filled.contains(&step.place()) => {
                let slot = Slot::New(step.place());
                let [view, renamed, ..] = self.nodes.of(slot)[..] else { return false };
                let Statement::Create(object) = self.nodes[view].statement else { return false };
                let close = Statement::Revoke(Access { on: Named::Object(object), ..access.clone() });
                let close = self.nodes.push(slot, Role::After, Phase::Build, close);
                self.nodes.edge(view, close);
                self.nodes.edge(close, renamed);
                true
            }
            Statement::Create(Object::Index(index)) => {
                let Some(home) = step.owner().filter(|owner| actions.filled.contains(owner)) else { return false };
                let slot = Slot::New(home);
                let name = temporary_name(&[&index.name, "new"]);
                let object = self.arena.object(Index { table: aside(&index.table), name, ..index.clone() });
                // The view is there already: its first node.
                let made = self.nodes.of(slot).to_vec();
                let build = self.nodes.push(slot, Role::After, Phase::Build, Statement::Create(object));
                let rename = Statement::Alter(Alter::Rename { from: object, to: &index.name });
                let named = self.nodes.push(Slot::New(step.place()), Role::Make, Phase::CutOver, rename);
                self.nodes.edge(build, named);
                if let [view, renamed, ..] = made[..] {
                    self.nodes.edge(view, build);
                    self.nodes.edge(build, renamed);
                    self.nodes.edge(renamed, named);
                }
                true
            }
            _ => false,
        }
    }
}

fn aside(name: &TableName) -> TableName {
    TableName::new(name.schema.clone(), temporary_name(&[&name.name, "new"]))
}

/// Materialized views with another query are filled while everyone reads the old ones, unless those have to go before:
/// what they read goes, is made again, or has columns that do. So are those that read `*` of a table with other columns:
/// gives the causes that this adds.
pub(crate) fn find(
    set: &ChangeSet<'_>,
    actions: &mut Actions,
    swaps: &Swaps<'_>,
    work: &[Cause],
) -> Planned<Vec<Cause>> {
    let is_filled =
        |object: Option<&Object>| matches!(object, Some(Object::View(view)) if view.materialized && !view.no_data);
    let direct =
        |&&(old, new): &&(OldPlace, NewPlace)| is_filled(set.from.object(old)) && is_filled(set.to.object(new));
    let mut scratch = Actions { relabelled: actions.relabelled.clone(), ..Actions::default() };
    let mut closure = Recreation::new(set, &mut scratch, swaps, false);
    let mut grown: Vec<OldPlace> = closure.grown_views(work);
    grown.retain(|old| !actions.recreated.iter().any(|pair| pair.0 == *old) && !set.removed.contains(old));
    grown.sort_unstable();
    grown.dedup();
    let grown: Vec<(OldPlace, NewPlace)> =
        grown.into_iter().filter_map(|old| Some((old, closure.twin(old)?))).collect();
    let views = actions.recreated.iter().chain(&grown).filter(direct).copied();
    let views: Vec<(OldPlace, NewPlace)> = views.collect();
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let is_view = |cause: &&Cause| matches!(cause, Cause::Again(old) if views.iter().any(|view| view.0 == *old));
    closure.leave_apart(grown.iter().map(|pair| pair.0));
    // A column that only goes may be there until the new view has taken the place of the old one, which read it.
    let only_goes = |cause: &Cause| match cause {
        Cause::Column(table, column, _) => {
            let stays = closure.twin(*table).and_then(|twin| set.to.table_at(twin).ok());
            stays.is_some_and(|table| !table.columns.iter().any(|own| own.name == *column))
        }
        _ => false,
    };
    let lasting: Vec<&Cause> = work.iter().filter(|cause| !only_goes(cause)).collect();
    let others = closure.touched(lasting.iter().copied().filter(|cause| !is_view(cause)).cloned().collect())?;
    let above = views.iter().map(|(old, _)| closure.touched(vec![Cause::Again(*old)]));
    let above = above.collect::<Planned<Vec<FxHashSet<OldPlace>>>>()?;
    let columns = lasting.iter().filter_map(|cause| match cause {
        Cause::Column(table, ..) => Some(*table),
        _ => None,
    });
    let moving = swaps.tables.keys().map(|(table, _)| *table);
    let again = actions.recreated.iter().map(|pair| pair.0);
    let going: FxHashSet<OldPlace> = set.removed.iter().copied().chain(again).chain(columns).chain(moving).collect();
    let needs = set.from.needs();
    let stands = |old: OldPlace| {
        !others.contains(&old)
            && !above.iter().any(|dependents| dependents.contains(&old))
            && !needs.of(old).iter().any(|(need, _)| going.contains(need))
    };
    for (&(old, new), dependents) in views.iter().zip(&above).filter(|((old, _), _)| stands(*old)) {
        actions.at_cut_over.extend(dependents.difference(&others));
        actions.at_cut_over.insert(old);
        actions.filled.insert(new);
    }
    // Made again like those whose query is another one.
    let again: Vec<(OldPlace, NewPlace)> = grown.into_iter().filter(|pair| actions.filled.contains(&pair.1)).collect();
    actions.recreated.extend(&again);
    Ok(again.into_iter().map(|pair| Cause::Again(pair.0)).collect())
}
