//! Limits: as many rows as there are places are taken, one more is refused or becomes something else, and a place that
//! becomes free goes to the first who waits.

use crate::bench::{Bench, Together, tried};
use crate::rows::{Asked, Placed, Spelled, column};
use crate::{Suite, Try, Wanted};
use specc_model::formula::{Node, Value};
use specc_model::{Entity, Limit, Model, RuleAction};
use specc_prove::{Crowd, Crowds, Fill, Samples};

/// Our triggers that count places.
const ONLY: &str = "^zz_(limit|keep)";

/// Limits to more rows are not tried.
const MOST: usize = 8;

/// Tests of the limits of the entities of `only`.
pub fn limits(model: &Model, samples: &Samples, only: &dyn Fn(&Entity) -> bool, server: &mut dyn Asked) -> Suite {
    let fill = Fill::new(model, samples);
    let crowds = Crowds::new(model);
    let mut suite = Suite { name: "limits", ..Suite::default() };
    for entity in model.entities.iter().filter(|entity| !entity.external && only(entity)) {
        for limit in &entity.limits {
            let mut bench = Bench { model, entity, crowds: &crowds, fill: &fill, suite: &mut suite };
            let what = format!("limit `{}`", limit.name);
            if let Err(why) = one(&mut bench, limit, &what, server) {
                bench.skip(what, why, limit.span);
            }
        }
    }
    suite
}

fn one(bench: &mut Bench<'_, '_>, limit: &Limit, what: &str, server: &mut dyn Asked) -> Result<(), String> {
    let (model, entity) = (bench.model, bench.entity);
    let node = &limit.to.formula.bare().node;
    let places = match node {
        Node::Literal(Value::Number(digits)) => digits.parse::<usize>().ok().filter(|n| (1..=MOST).contains(n)),
        Node::Path(..) => Some(1),
        _ => None,
    };
    let places = places.ok_or_else(|| format!("`{}` is not a number of at most {MOST}", limit.to.text))?;
    let condition = &limit.condition.formula;
    let wanted = Crowd { rows: places + 1, same: limit.per.clone(), holds: vec![condition], ..Crowd::default() };
    let mut rows = bench.rows(&wanted)?;
    if let Node::Path(_, steps, field) = node {
        let relation = steps.first().filter(|_| steps.len() == 1).map(|step| step.relation);
        let relation = relation.ok_or("the number of places is further away than one row")?;
        let above = rows.others.iter_mut().find(|row| crate::constraints::refers(model, &rows.own[0], relation, row));
        above.ok_or("it refers to no row")?.values.insert(*field, places.to_string());
    }
    if bench.fits(&rows.own, Some(condition), server).contains(&Some(false)) {
        return Err("no rows that count were found".to_owned());
    }
    let found: Option<Vec<String>> = rows.own.iter().map(|row| row.found(model)).collect();
    let found = found.ok_or("its rows have no key to name them by")?;
    let table = bench.table();
    let (holds, plain) = Spelled::of(model, entity.id, condition, "");
    if !plain {
        return Err("its condition reads other rows".to_owned());
    }
    let counted = |n: usize| format!("select from {table} where {holds} having count(*) = {n}");
    let inserts: Vec<String> = rows.own.iter().map(|row| row.insert(model)).collect();
    let (full, over) = (inserts[..places].join("; "), inserts.join("; "));
    let mut tries: Vec<Try> = Vec::new();
    let sees = bench.promise(what.to_owned(), limit.span);
    let try_it = |sql: String, expected: Wanted, words: &str, sees: usize| {
        tried(RuleAction::Insert, sql, expected, format!("{what}: {words}"), vec![sees])
    };
    tries.push(try_it(format!("{full}; {}", counted(places)), Wanted::Rows(1), "as many as there are places", sees));
    if limit.overflow.is_empty() {
        let refused = crate::bench::refused("23514", &limit.name);
        tries.push(try_it(over, refused, "one more is refused", sees));
    } else {
        let last = &found[places];
        let became = limit.overflow.iter().map(|(field, value)| {
            let (value, _) = Spelled::of(model, entity.id, &value.formula, "");
            format!("{} is not distinct from {value}", column(entity, *field))
        });
        let became: Vec<String> = became.collect();
        let question = format!("select from {table} where {last} and {}", became.join(" and "));
        tries.push(try_it(format!("{over}; {question}"), Wanted::Rows(1), "one more becomes something else", sees));
        if !limit.promote_by.is_empty() {
            let promoted = bench.promise(format!("{what}: a free place is given away"), limit.span);
            let first = &found[0];
            let sql =
                format!("{over}; delete from {table} where {first}; select from {table} where {last} and ({holds})");
            tries.push(try_it(sql, Wanted::Rows(1), "a free place goes to who waits", promoted));
        }
    }
    let there: Vec<&Placed> = rows.others.iter().collect();
    bench.run(&there, ONLY, "all places are free", limit.span, tries);
    // The last places, taken by two at once.
    let together = Together {
        statements: [inserts[places - 1].clone(), inserts[places].clone()],
        before: inserts[..places - 1].to_vec(),
        most: if limit.overflow.is_empty() { 1 } else { 2 },
        refusals: &["23514"],
        holds: format!("select count(*) <= {places} from {table} where {holds}"),
    };
    bench.race(&there, ONLY, format!("{what}: two at once take the last place"), limit.span, together);
    Ok(())
}
